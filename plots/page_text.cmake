# Makes OUT, a C file, of SCRIPT and STYLE (files of the folder FROM, one behind the other), as what
# NAME begins: see page_text.h.
#     cmake -D NAME=page "-DSCRIPT=page.js;page_types.js" -D STYLE=page.css -D FROM=plots
#           -D OUT=page_text.c -P page_text.cmake

set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

# Six bits of a number of 24 as a digit of base64.
function(base64_digit number shift result)
  math(EXPR at "(${number} >> ${shift}) & 63")
  string(SUBSTRING "${digits}" ${at} 1 digit)
  set(${result} "${digit}" PARENT_SCOPE)
endfunction()

# 32 bytes in hexadecimal as base64: ten groups of three, and two that leave one "=".
function(base64_of_hash hex result)
  set(text "")
  foreach(group RANGE 10)
    math(EXPR at "6 * ${group}")
    string(SUBSTRING "${hex}0000" ${at} 6 three)
    foreach(shift 18 12 6 0)
      base64_digit(0x${three} ${shift} digit)
      string(APPEND text "${digit}")
    endforeach()
  endforeach()
  string(SUBSTRING "${text}" 0 43 text)
  set(${result} "${text}=" PARENT_SCOPE)
endfunction()

function(part name)
  set(path "${OUT}.${name}")
  list(TRANSFORM ARGN PREPEND "${FROM}/")
  execute_process(COMMAND ${CMAKE_COMMAND} -E cat ${ARGN} OUTPUT_FILE "${path}"
                  COMMAND_ERROR_IS_FATAL ANY)
  file(READ "${path}" bytes HEX)
  file(SHA256 "${path}" hash)
  base64_of_hash(${hash} hash)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "((0x..,){20})" "\\1\n    " bytes "${bytes}")
  set(text "const char ${NAME}_${name}[] = {\n    ${bytes}\n};\n")
  string(APPEND text "const size_t ${NAME}_${name}_size = sizeof ${NAME}_${name};\n")
  string(APPEND text "const char ${NAME}_${name}_source[] = \"'sha256-${hash}'\";\n")
  file(APPEND "${OUT}" "${text}")
endfunction()

file(WRITE "${OUT}" "#include \"plots/page_text.h\"\n\n")
part(script ${SCRIPT})
part(style ${STYLE})
