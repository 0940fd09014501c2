# Lets ROS packages installed from pip wheels be used from CMake. Pass it on the command line:
#   cmake -DCMAKE_PROJECT_INCLUDE=<this file> ...
# A ROS installed from Debian packages does not need it. Needs CMake 3.19 (cmake_language(DEFER)).

# The wheels' Python typesupport targets name include directories of the machine the wheels were
# built on, and CMake refuses an imported target whose include directories do not exist.
function(_drop_missing_include_directories target)
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(NOT directories)
    return()
  endif()
  set(existing "")
  foreach(directory IN LISTS directories)
    if(directory MATCHES "^\\$<" OR EXISTS "${directory}")
      list(APPEND existing "${directory}")
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${existing}")
endfunction()

# A virtual environment inside the source tree puts numpy's headers there too, and CMake refuses
# to export a target whose include directories lie in the source tree. They are for building only.
function(_keep_include_directories_out_of_the_export target)
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(directories)
    list(TRANSFORM directories REPLACE "^(/.*)$" "$<BUILD_INTERFACE:\\1>")
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${directories}")
  endif()
endfunction()

function(_mend_python_typesupport_targets)
  get_property(imported DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" PROPERTY IMPORTED_TARGETS)
  list(FILTER imported INCLUDE REGEX "__rosidl_generator_py$")
  foreach(target IN LISTS imported)
    _drop_missing_include_directories(${target})
  endforeach()
  if(TARGET ${PROJECT_NAME}__rosidl_generator_py)
    _keep_include_directories_out_of_the_export(${PROJECT_NAME}__rosidl_generator_py)
  endif()
endfunction()

cmake_language(DEFER CALL _mend_python_typesupport_targets)
