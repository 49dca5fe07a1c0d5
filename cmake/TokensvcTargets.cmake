# SPDX-License-Identifier: Apache-2.0
# The helpers that all of our targets go through, so that warnings, sanitizers and labels are said once.

add_library(tokensvc_flags INTERFACE)
target_compile_options(tokensvc_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -fno-omit-frame-pointer
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety> $<$<CXX_COMPILER_ID:Clang>:-Wdocumentation>)
target_include_directories(tokensvc_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(TOKENSVC_SANITIZE)
  string(REPLACE ";" "," sanitizers "${TOKENSVC_SANITIZE}")
  target_compile_options(tokensvc_flags INTERFACE -fsanitize=${sanitizers} -fno-sanitize-recover=all)
  target_link_options(tokensvc_flags INTERFACE -fsanitize=${sanitizers})
  if(TOKENSVC_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's headers use fences, which ThreadSanitizer does not model; it says so for every file.
    target_compile_options(tokensvc_flags INTERFACE -Wno-tsan)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang 14 cannot put this check's prologue in front of a coroutine.
    target_compile_options(tokensvc_flags INTERFACE -fno-sanitize=function)
  endif()
endif()
if(TOKENSVC_FUZZ)
  # Every library tells the fuzzer which branches an input took.
  target_compile_options(tokensvc_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(tokensvc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Headers of other projects that take longer to parse than our own code are parsed once for each folder.
function(tokensvc_precompile name)
  if(ARGN)
    target_precompile_headers(${name} PRIVATE ${ARGN})
    # Lets ccache look into sources that use one.
    target_compile_options(${name} PRIVATE
      $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  endif()
endfunction()

# tokensvc_library(NAME SRCS … DEPS … [PRIVATE_DEPS …] [PRECOMPILE header …]): the one target of a folder.
function(tokensvc_library name)
  cmake_parse_arguments(arg "" "" "SRCS;DEPS;PRIVATE_DEPS;PRECOMPILE" ${ARGN})
  add_library(tokensvc_${name} STATIC ${arg_SRCS})
  add_library(tokensvc::${name} ALIAS tokensvc_${name})
  # Flags are ours alone: who links an installed library brings their own.
  target_link_libraries(tokensvc_${name} PUBLIC ${arg_DEPS}
    PRIVATE ${arg_PRIVATE_DEPS} $<BUILD_INTERFACE:tokensvc_flags>)
  tokensvc_precompile(tokensvc_${name} ${arg_PRECOMPILE})
endfunction()

function(tokensvc_executable name)
  cmake_parse_arguments(arg "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${arg_SRCS})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} tokensvc_flags)
endfunction()

# tokensvc_test(NAME SRCS … DEPS … [LABEL unit|integration] [TIMEOUT seconds] [PRECOMPILE …]): one GoogleTest binary.
function(tokensvc_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SRCS;DEPS;PRECOMPILE" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SRCS})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gmock GTest::gtest_main tokensvc_flags)
  tokensvc_precompile(${name} ${arg_PRECOMPILE})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

# tokensvc_proto_library(NAME SRCS … DEPS … [GRPC] [ROOT dir]): generated code, without our warnings.
function(tokensvc_proto_library name)
  cmake_parse_arguments(arg "GRPC" "ROOT" "SRCS;DEPS;IMPORTS" ${ARGN})
  set(root ${CMAKE_CURRENT_SOURCE_DIR})
  if(arg_ROOT)
    set(root ${arg_ROOT})
  endif()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/gen)
  file(MAKE_DIRECTORY ${out})
  set(generated)
  foreach(proto ${arg_SRCS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(files ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
    set(flags --cpp_out=${out})
    if(arg_GRPC)
      list(APPEND files ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
      list(APPEND flags --grpc_out=${out} --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    endif()
    add_custom_command(OUTPUT ${files}
      COMMAND protobuf::protoc ${flags} -I ${root} -I ${CMAKE_CURRENT_SOURCE_DIR} ${arg_IMPORTS} ${root}/${proto}
      DEPENDS ${root}/${proto} VERBATIM)
    list(APPEND generated ${files})
  endforeach()
  add_library(tokensvc_${name} STATIC ${generated})
  add_library(tokensvc::${name} ALIAS tokensvc_${name})
  target_include_directories(tokensvc_${name} SYSTEM PUBLIC $<BUILD_INTERFACE:${out}>)
  target_link_libraries(tokensvc_${name} PUBLIC protobuf::libprotobuf ${arg_DEPS})
  if(arg_GRPC)
    target_link_libraries(tokensvc_${name} PUBLIC gRPC::grpc++)
  endif()
endfunction()
