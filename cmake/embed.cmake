# SPDX-License-Identifier: MIT
# Files as C arrays, for src/report/assets.h:   cmake -DOUTPUT=assets.c "-DASSETS=NAME=FILE;..." -P embed.cmake
# NAME is the variable without asset_; behind each file comes a NUL that its size does not count.
set(text "#include \"report/assets.h\"\n")
foreach(asset IN LISTS ASSETS)
  string(REGEX MATCH "^([a-z_]+)=(.+)$" found "${asset}")
  set(name ${CMAKE_MATCH_1})
  file(READ "${CMAKE_MATCH_2}" bytes HEX)
  get_filename_component(file "${CMAKE_MATCH_2}" NAME)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "static const unsigned char ${name}[] = {\n${bytes}0};\n"
    "const struct asset asset_${name} = {\"${file}\", ${name}, sizeof ${name} - 1};\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
