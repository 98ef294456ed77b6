# One place for every flag: the interface target sg_flags.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(SG_SANITIZE "" CACHE STRING "sanitizers, for -fsanitize=")
option(SG_FUZZ "build libFuzzer programs (clang)" OFF)
option(SG_COVERAGE "gcov instrumentation" OFF)

find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Threads REQUIRED)

add_library(sg_flags INTERFACE)
target_compile_definitions(sg_flags INTERFACE _GNU_SOURCE
  OPENSSL_API_COMPAT=30000 OPENSSL_NO_DEPRECATED)
target_compile_options(sg_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Werror
  -fstack-protector-strong -fno-common -fno-strict-aliasing -g)
target_link_options(sg_flags INTERFACE -Wl,-z,relro,-z,now -pie)
if(SG_SANITIZE)
  target_compile_options(sg_flags INTERFACE
    -fsanitize=${SG_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sg_flags INTERFACE -fsanitize=${SG_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_options(sg_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(SG_COVERAGE)
  target_compile_options(sg_flags INTERFACE --coverage)
  target_link_options(sg_flags INTERFACE --coverage)
endif()
target_link_libraries(sg_flags INTERFACE Threads::Threads)
