# SPDX-License-Identifier: Apache-2.0
# Every dependency of the project, found once. `./dev` installs the packages.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
if(TOKENSVC_WITH_GRPC)
  find_package(gRPC CONFIG REQUIRED)
endif()

# Standalone Asio is header-only and ships no CMake package. clang 14 does not announce its coroutines
# the way Asio looks for them.
find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
add_library(tokensvc_asio INTERFACE)
target_compile_definitions(tokensvc_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
  $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT=1> $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_STD_COROUTINE=1>)
target_include_directories(tokensvc_asio SYSTEM INTERFACE ${ASIO_INCLUDE_DIR})
target_link_libraries(tokensvc_asio INTERFACE Threads::Threads)
add_library(asio::asio ALIAS tokensvc_asio)

# hiredis 0.14 ships a CMake package without targets. Only cache/redis links it, for its codec.
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h REQUIRED)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
add_library(hiredis::hiredis UNKNOWN IMPORTED)
set_target_properties(hiredis::hiredis PROPERTIES IMPORTED_LOCATION ${HIREDIS_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${HIREDIS_INCLUDE_DIR})
