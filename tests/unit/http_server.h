// SPDX-License-Identifier: MIT
// A web server on loopback for the tests of fetching: one connection at a time, answers chosen by the path, some of them bad.
#ifndef ONEIROS_TESTS_HTTP_SERVER_H
#define ONEIROS_TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVER_BODY_SIZE = 300000, SERVER_REQUEST_MAX = 8192 };

struct server {
    int listener, port;
    pthread_t thread;
    unsigned char body[SERVER_BODY_SIZE]; // what /file serves
    int requests;                         // since server_reset
    long ranges[16];                      // the start of each request's range; -1: none
    bool conditional;                     // the last request had If-Range
    char request[SERVER_REQUEST_MAX];     // the last one
};

static inline void server_send(int connection, const void *bytes, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t count = send(connection, (const char *)bytes + used, size - used, MSG_NOSIGNAL);
        if (count <= 0)
            return;
        used += (size_t)count;
    }
}

static inline void server_text(int connection, const char *text)
{
    server_send(connection, text, strlen(text));
}

// An answer whose header says `announced` bytes and whose body is `size` bytes of the file from `start` on.
static inline void server_part(const struct server *server, int connection, const char *status, const char *headers, size_t start,
                               size_t announced, size_t size)
{
    char head[512];
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", status, headers, announced);
    server_text(connection, head);
    server_send(connection, server->body + start, size);
}

static inline void server_redirect(int connection, const char *to)
{
    char head[512];
    snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", to);
    server_text(connection, head);
}

// Closes with a reset instead of a proper end.
static inline void server_reset_connection(int connection)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

// The file, or its rest where a range is asked for.
static inline void server_file(const struct server *server, int connection, long range, const char *etag)
{
    char headers[256];
    if (range >= SERVER_BODY_SIZE) {
        server_text(connection, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad");
    } else if (range > 0) {
        snprintf(headers, sizeof headers, "%sContent-Range: bytes %ld-%d/%d\r\n", etag, range, SERVER_BODY_SIZE - 1, SERVER_BODY_SIZE);
        size_t rest = SERVER_BODY_SIZE - (size_t)range;
        server_part(server, connection, "206 Partial Content", headers, (size_t)range, rest, rest);
    } else {
        server_part(server, connection, "200 OK", etag, 0, SERVER_BODY_SIZE, SERVER_BODY_SIZE);
    }
}

// The first request gets only a third of what is announced.
static inline bool server_breaks(const struct server *server, int connection, const char *etag)
{
    if (server->requests > 1)
        return false;
    server_part(server, connection, "200 OK", etag, 0, SERVER_BODY_SIZE, SERVER_BODY_SIZE / 3);
    return true;
}

static const char server_etag[] = "ETag: \"one\"\r\n";

// Answers that come whole. False: the path is none of theirs.
static inline bool server_answer_whole(const struct server *server, int connection, const char *path)
{
    char to[64];
    long range = server->ranges[(server->requests - 1) % 16];
    if (strcmp(path, "/file") == 0) {
        server_file(server, connection, range, server_etag);
    } else if (strcmp(path, "/empty") == 0) {
        server_part(server, connection, "200 OK", "", 0, 0, 0);
    } else if (strcmp(path, "/hop") == 0) {
        server_redirect(connection, "/file");
    } else if (strcmp(path, "/loop") == 0) {
        server_redirect(connection, "/loop");
    } else if (strcmp(path, "/to-file") == 0) {
        server_redirect(connection, "file:///etc/passwd");
    } else if (strcmp(path, "/to-ftp") == 0) {
        snprintf(to, sizeof to, "ftp://127.0.0.1:%d/file", server->port);
        server_redirect(connection, to);
    } else if (strcmp(path, "/missing") == 0) {
        server_text(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot there");
    } else if (strcmp(path, "/tired") == 0 && server->requests <= 2) {
        server_text(connection, "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops");
    } else if (strcmp(path, "/tired") == 0) {
        server_file(server, connection, range, "");
    } else if (strcmp(path, "/busy") == 0) {
        server_text(connection, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else {
        return false;
    }
    return true;
}

// Answers that break off, stall or are out of place.
static inline void server_answer_broken(const struct server *server, int connection, const char *path)
{
    long range = server->ranges[(server->requests - 1) % 16];
    if (strcmp(path, "/breaks") == 0) {
        if (!server_breaks(server, connection, server_etag))
            server_file(server, connection, range, server_etag);
    } else if (strcmp(path, "/breaks-untagged") == 0) {
        if (!server_breaks(server, connection, ""))
            server_file(server, connection, range, "");
    } else if (strcmp(path, "/breaks-ignores-range") == 0) {
        if (!server_breaks(server, connection, server_etag))
            server_file(server, connection, 0, server_etag);
    } else if (strcmp(path, "/breaks-shifts-range") == 0) {
        if (!server_breaks(server, connection, server_etag))
            server_file(server, connection, range > 0 ? range + 1 : range, server_etag);
    } else if (strcmp(path, "/always-breaks") == 0) {
        server_part(server, connection, "200 OK", "", 0, SERVER_BODY_SIZE, SERVER_BODY_SIZE / 3);
    } else if (strcmp(path, "/resets") == 0) {
        if (server->requests == 1)
            server_reset_connection(connection);
        else
            server_file(server, connection, range, "");
    } else if (strcmp(path, "/stalls") == 0) {
        server_part(server, connection, "200 OK", "", 0, SERVER_BODY_SIZE, 1000);
        char byte;
        (void)!read(connection, &byte, 1); // until the client gives up
    } else if (strcmp(path, "/unannounced") == 0) {
        server_text(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        server_send(connection, server->body, SERVER_BODY_SIZE);
    } else if (strcmp(path, "/no-content") == 0) {
        server_text(connection, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/unasked-range") == 0) {
        server_part(server, connection, "206 Partial Content", "Content-Range: bytes 5-9/10\r\n", 5, 5, 5);
    }
}

static inline void server_serve(struct server *server, int connection)
{
    size_t used = 0;
    char path[128] = "";
    memset(server->request, 0, sizeof server->request);
    while (!strstr(server->request, "\r\n\r\n") && used < SERVER_REQUEST_MAX - 1) {
        ssize_t count = recv(connection, server->request + used, SERVER_REQUEST_MAX - 1 - used, 0);
        if (count <= 0)
            return;
        used += (size_t)count;
    }
    const char *range = strstr(server->request, "\r\nRange: bytes=");
    server->ranges[server->requests++ % 16] = range ? atol(range + strlen("\r\nRange: bytes=")) : -1;
    server->conditional = strstr(server->request, "\r\nIf-Range: ") != NULL;
    if (sscanf(server->request, "GET %127s HTTP", path) == 1 && !server_answer_whole(server, connection, path))
        server_answer_broken(server, connection, path);
}

static inline void *server_run(void *data)
{
    struct server *server = data;
    for (int connection; (connection = accept(server->listener, NULL, NULL)) >= 0; close(connection))
        server_serve(server, connection);
    return NULL;
}

static inline bool server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    for (size_t i = 0; i < SERVER_BODY_SIZE; i++)
        server->body[i] = (unsigned char)(i * 2654435761u >> 13);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 16) != 0 || getsockname(server->listener, (struct sockaddr *)&address, &length) != 0)
        return false;
    server->port = ntohs(address.sin_port);
    return pthread_create(&server->thread, NULL, server_run, server) == 0;
}

static inline void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

#endif
