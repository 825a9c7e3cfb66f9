# room(<folder> SOURCES ... [USES rooms ...] [LIBS libraries ...] [TESTS foo_test.cpp ...]
#      [PGTESTS foo_pgtest.cpp ...] [PGSHARDS n] [TEST_USES rooms ...])
#
# One folder is one static library; USES declares the arrows of docs/architecture.md and is checked by
# the ctest `arrows`; its tests may use TEST_USES beside that. TESTS run without any server (label `unit`), PGTESTS against
# live PostgreSQL servers (label `pg`). Room `engine/base` is the target `engine_base`, its tests `engine_base_test` and
# `engine_base_pgtest`; with PGSHARDS that runs as so many ctests `engine_base_pgtest_1` ..., each a share of its tests.
#
# program(<target> FOLDER folder SOURCES ... USES rooms ... [LIBS libraries ...])
#
# An executable made of sources that lie beside the rooms of `folder`. Its arrows are checked like a room's.

add_library(tributary_options INTERFACE)
target_include_directories(tributary_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(tributary_options INTERFACE TRIBUTARY_VERSION="${PROJECT_VERSION}")
target_compile_options(tributary_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(TRIBUTARY_WERROR)
  target_compile_options(tributary_options INTERFACE -Werror)
endif()
# What sanitized programs run with; the operator's use a library that was not compiled for it.
set(TRIBUTARY_OPERATOR_ENVIRONMENT "")
if(TRIBUTARY_SANITIZE)
  # These three take half of the time to compile. An access through null ends the program in any case, one past an
  # object is AddressSanitizer's, and nothing here reads an object at an address that it casts to one.
  # g++ 12 takes members of an empty optional for used in code that is sanitized; the other presets keep that warning.
  target_compile_options(tributary_options INTERFACE -fsanitize=${TRIBUTARY_SANITIZE} -fno-sanitize=null,alignment,object-size
                         -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  target_link_options(tributary_options INTERFACE -fsanitize=${TRIBUTARY_SANITIZE})
  set(suppressions suppressions=${PROJECT_SOURCE_DIR}/cmake/tests)
  set(TRIBUTARY_OPERATOR_ENVIRONMENT "LSAN_OPTIONS=${suppressions}/leaks.supp;TSAN_OPTIONS=${suppressions}/races.supp")
endif()

# The folder of every room and program and its arrows, for the ctest `arrows`.
set_property(GLOBAL PROPERTY TRIBUTARY_ARROWS "")

function(_room_tests name suffix label timeout shards uses)
  if(NOT ARGN)
    return()
  endif()
  set(test ${name}_${suffix})
  add_executable(${test} ${ARGN})
  target_link_libraries(${test} PRIVATE ${uses} GTest::gmock_main tributary_options)
  set(environment GTEST_BRIEF=1) # what a failed program prints is what failed in it
  if(name MATCHES "^operator_")
    # As the operator does: see operator/kube/tls.h.
    list(APPEND environment SSL_CERT_FILE=/dev/null ${TRIBUTARY_OPERATOR_ENVIRONMENT})
  endif()
  foreach(shard RANGE 1 ${shards})
    set(ctest ${test})
    set(share "")
    if(shards GREATER 1)
      set(ctest ${test}_${shard})
      math(EXPR index "${shard} - 1")
      set(share "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index}")
    endif()
    add_test(NAME ${ctest} COMMAND ${test})
    set_tests_properties(${ctest} PROPERTIES LABELS ${label} TIMEOUT ${timeout} ENVIRONMENT "${environment};${share}")
  endforeach()
endfunction()

function(_targets_of rooms variable)
  string(REPLACE "/" "_" names "${rooms}")
  set(${variable} "${names}" PARENT_SCOPE)
endfunction()

function(_declare_arrows folder uses test_uses)
  list(JOIN uses "," arrows)
  list(JOIN test_uses "," test_arrows)
  set_property(GLOBAL APPEND PROPERTY TRIBUTARY_ARROWS "${folder}>${arrows}>${test_arrows}")
endfunction()

function(room folder)
  cmake_parse_arguments(ROOM "" "PGSHARDS" "SOURCES;USES;LIBS;TESTS;PGTESTS;TEST_USES" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  _targets_of("${ROOM_USES}" uses)
  _targets_of("${ROOM_TEST_USES}" test_uses)

  if(ROOM_SOURCES)
    add_library(${name} STATIC ${ROOM_SOURCES})
    target_link_libraries(${name} PUBLIC tributary_options ${uses} PRIVATE ${ROOM_LIBS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE tributary_options ${uses})
  endif()

  if(NOT ROOM_PGSHARDS)
    set(ROOM_PGSHARDS 1)
  endif()
  _room_tests(${name} test unit 900 1 "${name};${test_uses}" ${ROOM_TESTS})
  _room_tests(${name} pgtest pg 1800 ${ROOM_PGSHARDS} "${name};${test_uses}" ${ROOM_PGTESTS})

  _declare_arrows(${folder} "${ROOM_USES}" "${ROOM_TEST_USES}")
endfunction()

function(program name)
  cmake_parse_arguments(PROGRAM "" "FOLDER" "SOURCES;USES;LIBS" ${ARGN})
  _targets_of("${PROGRAM_USES}" uses)
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE ${uses} ${PROGRAM_LIBS})
  _declare_arrows(${PROGRAM_FOLDER} "${PROGRAM_USES}" "")
endfunction()
