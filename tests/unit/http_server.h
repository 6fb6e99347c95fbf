// SPDX-License-Identifier: MIT
// A web server on loopback for the tests of fetching: a thread a connection, answers chosen by the path, some of them bad. What is behind a
// question mark makes no difference but that requests are counted apart.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVER_BODY_SIZE = 300000, SERVER_REQUEST_MAX = 8192, SERVER_PATHS_MAX = 256 };

struct server {
    int listener, port;
    pthread_t thread;
    unsigned char body[SERVER_BODY_SIZE]; // what /file serves
    const void *picture;                  // what /picture serves
    size_t picture_size;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t closed;
    int connections;
    int requests; // since server_forget
    struct {
        char path[128];
        int count;
    } paths[SERVER_PATHS_MAX];
    int path_count;
    long ranges[16];                  // the start of each request's range; -1: none
    int conditional;                  // requests that had If-Range
    char request[SERVER_REQUEST_MAX]; // the last one
};

// One request, and where its answer goes.
struct server_request {
    struct server *server;
    int connection;
    int number; // of this path's requests, from 1
    long range; // -1: none
    char text[SERVER_REQUEST_MAX];
};

static inline bool server_send(int connection, const void *bytes, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t count = send(connection, (const char *)bytes + used, size - used, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        used += (size_t)count;
    }
    return true;
}

static inline void server_text(int connection, const char *text)
{
    server_send(connection, text, strlen(text));
}

static inline void server_head(int connection, const char *status, const char *headers, size_t announced)
{
    char head[512];
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", status, headers, announced);
    server_text(connection, head);
}

// Without an end, announced or not.
static inline void server_endless(int connection, const unsigned char *body, const char *headers)
{
    server_text(connection, headers);
    while (server_send(connection, body, SERVER_BODY_SIZE))
        ;
}

// An answer whose header says `announced` bytes and whose body is `size` bytes of the file from `start` on.
static inline void server_part(const struct server *server, int connection, const char *status, const char *headers, size_t start,
                               size_t announced, size_t size)
{
    server_head(connection, status, headers, announced);
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
static inline bool server_breaks(const struct server_request *request, const char *etag)
{
    if (request->number > 1)
        return false;
    server_part(request->server, request->connection, "200 OK", etag, 0, SERVER_BODY_SIZE, SERVER_BODY_SIZE / 3);
    return true;
}

static const char server_etag[] = "ETag: \"one\"\r\n";

// Answers that come whole. False: the path is none of theirs.
static inline bool server_answer_whole(const struct server_request *request, const char *path)
{
    const struct server *server = request->server;
    const int connection = request->connection;
    const long range = request->range;
    char to[64];
    if (strcmp(path, "/file") == 0) {
        server_file(server, connection, range, server_etag);
    } else if (strcmp(path, "/picture") == 0) {
        server_head(connection, "200 OK", "", server->picture_size);
        server_send(connection, server->picture, server->picture_size);
    } else if (strcmp(path, "/html") == 0) {
        server_text(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<!DOCTYPE html><html><body>Please log in</body></html>");
    } else if (strcmp(path, "/empty") == 0) {
        server_part(server, connection, "200 OK", "", 0, 0, 0);
    } else if (strcmp(path, "/hop") == 0) {
        server_redirect(connection, "/file");
    } else if (strcmp(path, "/near") == 0) {
        snprintf(to, sizeof to, "http://127.0.0.1:%d/file", server->port);
        server_redirect(connection, to);
    } else if (strcmp(path, "/away") == 0) { // another host, here as well
        snprintf(to, sizeof to, "http://localhost:%d/file", server->port);
        server_redirect(connection, to);
    } else if (strcmp(path, "/loop") == 0) {
        server_redirect(connection, "/loop");
    } else if (strcmp(path, "/to-file") == 0) {
        server_redirect(connection, "file:///etc/passwd");
    } else if (strcmp(path, "/to-ftp") == 0) {
        snprintf(to, sizeof to, "ftp://127.0.0.1:%d/file", server->port);
        server_redirect(connection, to);
    } else if (strcmp(path, "/missing") == 0) {
        server_text(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot there");
    } else if (strcmp(path, "/tired") == 0 && request->number <= 2) {
        server_text(connection, "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops");
    } else if (strcmp(path, "/too-many") == 0 && request->number == 1) {
        server_text(connection, "HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/too-late") == 0 && request->number == 1) {
        server_text(connection, "HTTP/1.1 408 Too Late\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/tired") == 0 || strncmp(path, "/too-", 5) == 0) {
        server_file(server, connection, range, "");
    } else if (strcmp(path, "/busy") == 0) {
        server_text(connection, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/later") == 0 && request->number == 1) {
        server_text(connection, "HTTP/1.1 503 Busy\r\nRetry-After: 4\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/later") == 0) {
        server_file(server, connection, range, "");
    } else {
        return false;
    }
    return true;
}

// Answers that break off, stall or are out of place.
static inline void server_answer_broken(const struct server_request *request, const char *path)
{
    const struct server *server = request->server;
    const int connection = request->connection;
    const long range = request->range;
    if (strcmp(path, "/breaks") == 0) {
        if (!server_breaks(request, server_etag))
            server_file(server, connection, range, server_etag);
    } else if (strcmp(path, "/breaks-untagged") == 0) {
        if (!server_breaks(request, ""))
            server_file(server, connection, range, "");
    } else if (strcmp(path, "/breaks-weak") == 0) {
        if (!server_breaks(request, "ETag: W/\"one\"\r\n"))
            server_file(server, connection, range, "ETag: W/\"one\"\r\n");
    } else if (strcmp(path, "/breaks-ignores-range") == 0) {
        if (!server_breaks(request, server_etag))
            server_file(server, connection, 0, server_etag);
    } else if (strcmp(path, "/breaks-shifts-range") == 0) {
        if (!server_breaks(request, server_etag))
            server_file(server, connection, range > 0 ? range + 1 : range, server_etag);
    } else if (strcmp(path, "/breaks-retags") == 0) { // it is another file by now, whatever If-Range says
        if (!server_breaks(request, server_etag))
            server_file(server, connection, range, "ETag: \"two\"\r\n");
    } else if (strcmp(path, "/breaks-forgets-tag") == 0) {
        if (!server_breaks(request, server_etag))
            server_file(server, connection, range, "");
    } else if (strcmp(path, "/breaks-grows") == 0 || strcmp(path, "/breaks-gives-less") == 0) {
        const int more = strcmp(path, "/breaks-grows") == 0 ? 10 : 0;
        char headers[256];
        if (range > 0) {
            snprintf(headers, sizeof headers, "%sContent-Range: bytes %ld-%d/%d\r\n", server_etag, range,
                     more ? SERVER_BODY_SIZE + more - 1 : SERVER_BODY_SIZE - 11, SERVER_BODY_SIZE + more);
            const size_t rest = SERVER_BODY_SIZE - (size_t)range - (more ? 0 : 10);
            server_part(server, connection, "206 Partial Content", headers, (size_t)range, rest, rest);
        } else if (!server_breaks(request, server_etag)) {
            server_file(server, connection, range, server_etag);
        }
    } else if (strcmp(path, "/always-breaks") == 0) {
        server_part(server, connection, "200 OK", "", 0, SERVER_BODY_SIZE, SERVER_BODY_SIZE / 3);
    } else if (strcmp(path, "/endless") == 0) {
        server_endless(connection, server->body, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/announces-10GB") == 0) {
        server_endless(connection, server->body, "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/announces-less") == 0) {
        server_head(connection, "200 OK", "", server->picture_size / 2);
        server_send(connection, server->picture, server->picture_size);
    } else if (strcmp(path, "/announces-more") == 0) {
        server_head(connection, "200 OK", "", server->picture_size * 2);
        server_send(connection, server->picture, server->picture_size);
    } else if (strcmp(path, "/resets-in-body") == 0) {
        server_part(server, connection, "200 OK", "", 0, SERVER_BODY_SIZE, 1000);
        server_reset_connection(connection);
    } else if (strcmp(path, "/closes") == 0) {
        return; // before it says anything
    } else if (strcmp(path, "/resets") == 0) {
        if (request->number == 1)
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

// How often this path has been asked for. With the mutex.
static inline int *server_counter(struct server *server, const char *path)
{
    int i = 0;
    while (i < server->path_count && strcmp(server->paths[i].path, path) != 0)
        i++;
    if (i == server->path_count && i < SERVER_PATHS_MAX - 1) {
        snprintf(server->paths[i].path, sizeof server->paths[i].path, "%s", path);
        server->paths[server->path_count++].count = 0;
    }
    return &server->paths[i].count;
}

static inline int server_count(struct server *server, const char *path)
{
    pthread_mutex_lock(&server->mutex);
    const int count = *server_counter(server, path);
    pthread_mutex_unlock(&server->mutex);
    return count;
}

static inline void server_forget(struct server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->requests = server->path_count = server->conditional = 0;
    pthread_mutex_unlock(&server->mutex);
}

static inline void server_note(struct server_request *request, const char *path)
{
    struct server *server = request->server;
    const char *range = strstr(request->text, "\r\nRange: bytes=");
    request->range = range ? atol(range + strlen("\r\nRange: bytes=")) : -1;
    pthread_mutex_lock(&server->mutex);
    request->number = ++*server_counter(server, path);
    server->ranges[server->requests++ % 16] = request->range;
    server->conditional += strstr(request->text, "\r\nIf-Range: ") != NULL;
    memcpy(server->request, request->text, sizeof server->request);
    pthread_mutex_unlock(&server->mutex);
}

static inline void server_serve(struct server_request *request)
{
    size_t used = 0;
    char path[128] = "";
    while (!strstr(request->text, "\r\n\r\n") && used < SERVER_REQUEST_MAX - 1) {
        ssize_t count = recv(request->connection, request->text + used, SERVER_REQUEST_MAX - 1 - used, 0);
        if (count <= 0)
            return;
        used += (size_t)count;
    }
    if (sscanf(request->text, "GET %127s HTTP", path) != 1)
        return;
    server_note(request, path);
    path[strcspn(path, "?")] = '\0';
    if (!server_answer_whole(request, path))
        server_answer_broken(request, path);
}

static inline void *server_connection(void *data)
{
    struct server_request *request = data;
    struct server *server = request->server;
    server_serve(request);
    close(request->connection);
    free(request);
    pthread_mutex_lock(&server->mutex);
    server->connections--;
    pthread_cond_signal(&server->closed);
    pthread_mutex_unlock(&server->mutex);
    return NULL;
}

static inline void *server_run(void *data)
{
    struct server *server = data;
    for (int connection; (connection = accept(server->listener, NULL, NULL)) >= 0;) {
        struct server_request *request = calloc(1, sizeof *request);
        pthread_t thread;
        request->server = server;
        request->connection = connection;
        pthread_mutex_lock(&server->mutex);
        server->connections++;
        pthread_mutex_unlock(&server->mutex);
        if (pthread_create(&thread, NULL, server_connection, request) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

static inline bool server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    for (size_t i = 0; i < SERVER_BODY_SIZE; i++)
        server->body[i] = (unsigned char)(i * 2654435761u >> 13);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->closed, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 128) != 0 || getsockname(server->listener, (struct sockaddr *)&address, &length) != 0)
        return false;
    server->port = ntohs(address.sin_port);
    return pthread_create(&server->thread, NULL, server_run, server) == 0;
}

static inline void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_mutex_lock(&server->mutex);
    while (server->connections > 0)
        pthread_cond_wait(&server->closed, &server->mutex);
    pthread_mutex_unlock(&server->mutex);
}
