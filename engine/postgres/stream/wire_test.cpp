#include "engine/postgres/stream/wire.h"

#include <gtest/gtest.h>

#include <string>

namespace tributary::postgres::stream {
namespace {

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string int64(std::uint64_t value) {
  std::string text;
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}

TEST(Wire, reads_log_data) {
  const std::string input = "w" + int64(0x0102030405060708) + int64(9) + int64(10) + "Bxyz";
  const auto message = parse_message(bytes(input));
  ASSERT_TRUE(message);
  const auto& data = std::get<LogData>(*message);
  EXPECT_EQ(data.position.value, 0x0102030405060708u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(data.message.data()), data.message.size()), "Bxyz");
}

TEST(Wire, reads_a_keepalive) {
  for (const char asks : {'\0', '\1'}) {
    const auto message = parse_message(bytes("k" + int64(77) + int64(1) + std::string(1, asks)));
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<Keepalive>(*message).end.value, 77u);
    EXPECT_EQ(std::get<Keepalive>(*message).asks, asks != 0);
  }
}

TEST(Wire, refuses_what_is_cut_or_too_long_or_unknown) {
  const std::string data = "w" + int64(1) + int64(2) + int64(3);
  for (std::size_t size = 0; size < data.size(); ++size) EXPECT_FALSE(parse_message(bytes(data.substr(0, size))));
  const std::string keepalive = "k" + int64(1) + int64(2) + std::string(1, '\0');
  for (std::size_t size = 0; size < keepalive.size(); ++size)
    EXPECT_FALSE(parse_message(bytes(keepalive.substr(0, size))));
  EXPECT_FALSE(parse_message(bytes(keepalive + "x")));
  const auto unknown = parse_message(bytes("x" + int64(1)));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().fault, Fault::failed);
}

TEST(Wire, writes_a_status) {
  const WallTime a_second_later{std::chrono::seconds{946'684'801}};
  const StatusBytes status = encode({{0x1122}, {0x33}, a_second_later, true});
  const std::string expected = "r" + int64(0x1122) + int64(0x33) + int64(0x33) + int64(1'000'000) + "\1";
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(status.data()), status.size()), expected);
}

}  // namespace
}  // namespace tributary::postgres::stream
