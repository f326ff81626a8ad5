# What has to be there before anything is built; where it is missing one line says how to get it.

# Sets `variable` to the command that installs a compiler and Python's headers here.
function(how_to_install variable)
  foreach(way
      "apt-get|apt install gcc python3-dev"
      "dnf|dnf install gcc python3-devel"
      "yum|yum install gcc python3-devel"
      "zypper|zypper install gcc python3-devel"
      "apk|apk add gcc musl-dev linux-headers python3-dev"
      "pacman|pacman -S gcc python"
      "xcode-select|xcode-select --install")
    string(REPLACE "|" ";" way "${way}")
    list(GET way 0 manager)
    list(GET way 1 command)
    find_program(manager_found ${manager} NO_CACHE)
    if(manager_found)
      set(${variable} "${command}" PARENT_SCOPE)
      return()
    endif()
    unset(manager_found)
  endforeach()
  set(${variable} "install gcc and the headers of Python (python3-dev)" PARENT_SCOPE)
endfunction()

# Before project(), which says it in a page.
function(need_compiler)
  if(DEFINED CMAKE_C_COMPILER OR DEFINED CMAKE_TOOLCHAIN_FILE OR DEFINED ENV{CC})
    return()
  endif()
  find_program(compiler_found NAMES cc gcc clang NO_CACHE)
  if(NOT compiler_found)
    how_to_install(command)
    message(FATAL_ERROR "memprof is C, and there is no C compiler. What installs one:\n  ${command}")
  endif()
endfunction()

# Behind find_package(Python).
function(need_python_headers)
  if(NOT Python_Development.Module_FOUND)
    how_to_install(command)
    message(FATAL_ERROR "the headers of ${Python_EXECUTABLE} (Python.h) are missing. What installs them:\n  ${command}")
  endif()
endfunction()
