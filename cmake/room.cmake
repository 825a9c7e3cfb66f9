# room(<folder> SOURCES ... [USES rooms ...] [LIBS libraries ...] [TESTS foo_test.cpp ...] [PGTESTS foo_pgtest.cpp ...])
#
# One folder is one static library; USES declares the arrows of docs/architecture.md and is checked by
# the ctest `arrows`. TESTS run without any server (label `unit`), PGTESTS against live PostgreSQL servers
# (label `pg`). Room `engine/base` is the target `engine_base`, its tests `engine_base_test` and
# `engine_base_pgtest`.

add_library(tributary_options INTERFACE)
target_include_directories(tributary_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(tributary_options INTERFACE TRIBUTARY_VERSION="${PROJECT_VERSION}")
target_compile_options(tributary_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(TRIBUTARY_WERROR)
  target_compile_options(tributary_options INTERFACE -Werror)
endif()
if(TRIBUTARY_SANITIZE)
  target_compile_options(tributary_options INTERFACE -fsanitize=${TRIBUTARY_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(tributary_options INTERFACE -fsanitize=${TRIBUTARY_SANITIZE})
endif()

# Every room's folder and its arrows, for the ctest `arrows`.
set_property(GLOBAL PROPERTY TRIBUTARY_ARROWS "")

function(_room_tests name suffix label timeout uses)
  if(NOT ARGN)
    return()
  endif()
  set(test ${name}_${suffix})
  add_executable(${test} ${ARGN})
  target_link_libraries(${test} PRIVATE ${uses} GTest::gmock_main tributary_options)
  add_test(NAME ${test} COMMAND ${test})
  set_tests_properties(${test} PROPERTIES LABELS ${label} TIMEOUT ${timeout})
  if(TRIBUTARY_SANITIZE)
    # Libraries without frame pointers are suppressed by function: that needs whole stacks.
    set(suppressions suppressions=${PROJECT_SOURCE_DIR}/cmake/tests)
    set_tests_properties(${test} PROPERTIES ENVIRONMENT
      "ASAN_OPTIONS=fast_unwind_on_malloc=0;LSAN_OPTIONS=${suppressions}/leaks.supp;TSAN_OPTIONS=${suppressions}/races.supp")
  endif()
endfunction()

function(room folder)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBS;TESTS;PGTESTS;TEST_USES" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  set(uses "")
  foreach(used IN LISTS ROOM_USES)
    string(REPLACE "/" "_" used ${used})
    list(APPEND uses ${used})
  endforeach()
  set(test_uses "")
  foreach(used IN LISTS ROOM_TEST_USES)
    string(REPLACE "/" "_" used ${used})
    list(APPEND test_uses ${used})
  endforeach()

  if(ROOM_SOURCES)
    add_library(${name} STATIC ${ROOM_SOURCES})
    target_link_libraries(${name} PUBLIC tributary_options ${uses} PRIVATE ${ROOM_LIBS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE tributary_options ${uses})
  endif()

  _room_tests(${name} test unit 300 "${name};${test_uses}" ${ROOM_TESTS})
  _room_tests(${name} pgtest pg 1800 "${name};${test_uses}" ${ROOM_PGTESTS})

  list(JOIN ROOM_USES "," arrows)
  set_property(GLOBAL APPEND PROPERTY TRIBUTARY_ARROWS "${folder}>${arrows}")
endfunction()
