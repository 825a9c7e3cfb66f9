#include "engine/postgres/apply/reached.h"

#include <gtest/gtest.h>

namespace tributary::postgres::apply {
namespace {

using model::Event;
using model::Lsn;

WallTime at(int second) {
  return WallTime{} + Seconds{second};
}

Event event(Event::Kind kind, std::uint64_t lsn, std::uint64_t end, int second = 0) {
  Event made;
  made.kind = kind;
  made.lsn = Lsn{lsn};
  made.end = Lsn{end};
  made.time = at(second);
  return made;
}

const pipeline::StreamPosition begun{Lsn{100}, at(1), {Lsn{90}, Lsn{95}, at(1)}};

TEST(WhatAStreamHasReached, has_the_last_transaction_with_a_change_for_its_witness) {
  Reached reached(begun);
  reached.take(event(Event::Kind::begin, 110, 0));
  reached.take(event(Event::Kind::insert, 0, 0));
  reached.take(event(Event::Kind::commit, 110, 115, 2));
  const pipeline::Witness witness{Lsn{110}, Lsn{115}, at(2)};
  EXPECT_EQ(reached.position().witness, witness);
  reached.take(event(Event::Kind::begin, 120, 0));
  reached.take(event(Event::Kind::commit, 120, 125, 3));
  reached.take(event(Event::Kind::idle, 0, 130));
  EXPECT_EQ(reached.position().applied, Lsn{130});
  EXPECT_EQ(reached.position().commit, at(3));
  EXPECT_EQ(reached.position().witness, witness) << "a server may leave out what has no change";
}

TEST(WhatAStreamHasReached, is_never_what_lies_below_where_it_began) {
  Reached reached(begun);
  reached.take(event(Event::Kind::begin, 80, 0));
  reached.take(event(Event::Kind::insert, 0, 0));
  reached.take(event(Event::Kind::commit, 80, 85, 7));
  reached.take(event(Event::Kind::idle, 0, 90));
  EXPECT_EQ(reached.position().applied, begun.applied);
  EXPECT_EQ(reached.position().commit, begun.commit);
  EXPECT_EQ(reached.position().witness, begun.witness);
}

}  // namespace
}  // namespace tributary::postgres::apply
