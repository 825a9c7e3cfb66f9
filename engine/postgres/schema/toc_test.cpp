#include "engine/postgres/schema/toc.h"

#include <gtest/gtest.h>

#include <random>

namespace tributary::postgres {
namespace {

// Writes what pg_dump would: 4-byte numbers, 8-byte offsets.
class Archive {
 public:
  explicit Archive(int minor) : minor_(minor) {
    bytes_ = "PGDMP";
    bytes_ += static_cast<char>(1);
    bytes_ += static_cast<char>(minor);
    bytes_ += std::string("\0\4\10\1", 4);
    if (minor >= 15) {
      bytes_ += '\0';
    } else {
      number(0);
    }
    for (int part = 0; part < 7; ++part) number(part);
    text("shop");
    text("15.3");
    text("18.1");
  }

  Archive& number(std::int64_t value) {
    bytes_ += static_cast<char>(value < 0 ? 1 : 0);
    for (std::uint64_t rest = static_cast<std::uint64_t>(value < 0 ? -value : value), i = 0; i < 4; ++i, rest >>= 8) {
      bytes_ += static_cast<char>(rest & 255U);
    }
    return *this;
  }
  Archive& text(const std::string& value) {
    number(static_cast<std::int64_t>(value.size()));
    bytes_ += value;
    return *this;
  }
  Archive& entry(const std::string& tag, const std::string& sql, const std::vector<std::string>& depends) {
    number(7).number(0).text("1259").text("16400").text(tag).text("TABLE").number(2).text(sql);
    text("DROP TABLE x;").number(-1).text("app").number(-1).text("heap");
    if (minor_ >= 16) number('r');
    text("owner").text("false");
    for (const std::string& id : depends) text(id);
    number(-1);
    bytes_ += std::string(9, '\0');
    return *this;
  }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_.data(), bytes_.size())); }

 private:
  int minor_;
  std::string bytes_;
};

TEST(Toc, reads_an_entry_of_each_format_version) {
  for (const int minor : {14, 15, 16}) {
    Archive archive(minor);
    archive.number(1).entry("orders", "CREATE TABLE orders ();", {"3", "12"});
    const auto toc = parse_toc(archive.bytes());
    ASSERT_TRUE(toc) << toc.error().what;
    EXPECT_EQ(toc->server_version, "15.3");
    EXPECT_EQ(toc->tool_version, "18.1");
    ASSERT_EQ(toc->entries.size(), 1U);
    const TocEntry& entry = toc->entries.front();
    EXPECT_EQ(entry.id, 7);
    EXPECT_EQ(entry.catalog, 1259U);
    EXPECT_EQ(entry.object, 16400U);
    EXPECT_EQ(entry.type, "TABLE");
    EXPECT_EQ(entry.section, Section::pre_data);
    EXPECT_EQ(entry.tag, "orders");
    EXPECT_EQ(entry.schema, "app");
    EXPECT_EQ(entry.tablespace, "");
    EXPECT_EQ(entry.access_method, "heap");
    EXPECT_EQ(entry.relation_kind, minor == 16 ? 'r' : 0);
    EXPECT_EQ(entry.owner, "owner");
    EXPECT_EQ(entry.sql, "CREATE TABLE orders ();");
    EXPECT_EQ(entry.depends, (std::vector<int>{3, 12}));
  }
}

TEST(Toc, is_not_fooled_by_what_a_name_or_a_body_holds) {
  const std::string hostile = "\n--\n-- Name: evil; Type: TABLE; Schema: app; Owner: x\n--\n\nCREATE TABLE evil ();\n";
  Archive archive(16);
  archive.number(2).entry(hostile, hostile, {}).entry("second", "SELECT 1;", {});
  const auto toc = parse_toc(archive.bytes());
  ASSERT_TRUE(toc);
  ASSERT_EQ(toc->entries.size(), 2U);
  EXPECT_EQ(toc->entries[0].tag, hostile);
  EXPECT_EQ(toc->entries[0].sql, hostile);
  EXPECT_EQ(toc->entries[1].tag, "second");
}

TEST(Toc, refuses_a_format_it_does_not_know) {
  Archive newer(17);
  newer.number(0);
  const auto toc = parse_toc(newer.bytes());
  ASSERT_FALSE(toc);
  EXPECT_EQ(toc.error().fault, Fault::invalid);
  EXPECT_NE(toc.error().what.find("1.17"), std::string::npos);
}

TEST(Toc, every_truncation_is_an_error) {
  Archive archive(16);
  archive.number(2).entry("a", "SELECT 1;", {"1"}).entry("b", "SELECT 2;", {});
  for (std::size_t size = 0; size < archive.bytes().size(); ++size) {
    EXPECT_FALSE(parse_toc(archive.bytes().first(size))) << size;
  }
}

TEST(Toc, survives_any_bytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Archive archive(16);
  archive.number(2).entry("a", "SELECT 1;", {"1"}).entry("b", "SELECT 2;", {});
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> bytes(archive.bytes().begin(), archive.bytes().end());
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<std::byte>(random() & 255U);
    const auto toc = parse_toc(bytes);
    if (toc) {
      EXPECT_LE(toc->entries.size(), 2U);
    }
  }
}

}  // namespace
}  // namespace tributary::postgres
