# cmake -D SOURCE=<folder of the scripts> -D OUTPUT=<folder> -P embed.cmake
#
# Writes OUTPUT/scripts.c (name, text and SHA-1 of every script in SOURCE) and, beside it, each script as Redis gets it (OUTPUT/<name>.lua), for the tests.
# A line `--@include lib/<file>` stands for that file: Redis offers scripts no modules.

# The text travels as one quoted value from end to end: as an unquoted one CMake would split it at every semicolon.
function(read_script path text_variable)
  file(READ "${path}" text)
  while(text MATCHES "(^|\n)( *--@include ([a-z_/.]+))\n")
    set(line "${CMAKE_MATCH_2}\n")
    file(READ "${SOURCE}/${CMAKE_MATCH_3}" included)
    string(REGEX REPLACE "^#![^\n]*\n" "" included "${included}") # a whole script: only the first line of all has flags
    string(REPLACE "${line}" "${included}" text "${text}")
  endwhile()
  set(${text_variable} "${text}" PARENT_SCOPE)
endfunction()

function(quote_for_c text literal_variable)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
  set(${literal_variable} "\"${text}\"" PARENT_SCOPE)
endfunction()

file(GLOB paths ${SOURCE}/*.lua)
list(LENGTH paths count)
set(rows "")
foreach(path IN LISTS paths)
  get_filename_component(name ${path} NAME_WE)
  string(TOUPPER ${name} upper_name)
  read_script(${path} text)
  file(WRITE ${OUTPUT}/${name}.lua "${text}")
  file(SHA1 ${OUTPUT}/${name}.lua sha1)
  quote_for_c("${text}" literal)
  string(APPEND rows "    [SL_SCRIPT_${upper_name}] = {\"${name}\",\n     ${literal},\n     \"${sha1}\"},\n")
endforeach()

file(WRITE ${OUTPUT}/scripts.c "/* Made by lua/embed.cmake from lua/. */
#include \"sluice/scripts.h\"

_Static_assert(SL_SCRIPT_COUNT == ${count}, \"each script has its file in lua/ and its row in scripts.h\");

const sl_script_t sl_scripts[SL_SCRIPT_COUNT] = {
${rows}};
")
