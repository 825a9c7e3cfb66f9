#include "engine/postgres/schema/toc.h"

#include <charconv>
#include <cstring>
#include <optional>

// The format, as src/bin/pg_dump/pg_backup_archiver.c of PostgreSQL writes it:
//   archive  = "PGDMP" major minor revision int_size offset_size format header count entry*
//   header   = compression (one byte from 1.15 on, before it an int), 7 ints of local time, database, server version,
//              tool version
//   entry    = id has_data catalog object tag type section sql drop copy schema tablespace access_method
//              relation_kind (an int, from 1.16 on) owner with_oids dependency* null offset
//   int      = sign int_size bytes, least significant first       string = int bytes, or a negative int for null
//   offset   = state offset_size bytes                            (numbers of catalogs and dependencies are strings)
namespace tributary::postgres {
namespace {

constexpr int oldest = 1 * 256 + 14;
constexpr int newest = 1 * 256 + 16;
constexpr unsigned custom_format = 1;

Error broken(const char* why) {
  return {Fault::failed, std::string("the table of contents that pg_dump wrote cannot be read: ") + why};
}

// Reads what the archive's own sizes describe; the first thing that does not fit makes it fail for good.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool set_sizes(unsigned integer, unsigned offset) {
    integer_ = integer;
    offset_ = offset;
    return integer >= 1 && integer <= 8 && offset >= 1 && offset <= 8;
  }

  unsigned byte() {
    const auto taken = take(1);
    return taken.empty() ? 0 : std::to_integer<unsigned>(taken[0]);
  }

  std::int64_t integer() {
    const bool negative = byte() != 0;
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const std::byte digit : take(integer_)) {
      value |= std::to_integer<std::uint64_t>(digit) << shift;
      shift += 8;
    }
    if (value > INT32_MAX) ok_ = false;
    return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
  }

  std::optional<std::string> maybe_string() {
    const std::int64_t length = integer();
    if (!ok_ || length < 0) return std::nullopt;
    const auto taken = take(static_cast<std::size_t>(length));
    return std::string(reinterpret_cast<const char*>(taken.data()), taken.size());
  }
  std::string string() { return maybe_string().value_or(std::string()); }

  std::uint32_t number() { return to_number(string()); }
  std::uint32_t to_number(const std::string& text) {
    std::uint32_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) ok_ = false;
    return value;
  }

  void skip_offset() {
    byte();
    take(offset_);
  }

 private:
  std::span<const std::byte> take(std::size_t count) {
    if (!ok_ || count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  std::span<const std::byte> bytes_;
  std::size_t integer_ = 4;
  std::size_t offset_ = 8;
  bool ok_ = true;
};

bool known_section(std::int64_t section) {
  return section >= static_cast<int>(Section::none) && section <= static_cast<int>(Section::post_data);
}

std::optional<TocEntry> read_entry(Reader& reader, int version) {
  TocEntry entry;
  entry.id = static_cast<int>(reader.integer());
  reader.integer();  // whether it has data
  entry.catalog = reader.number();
  entry.object = reader.number();
  entry.tag = reader.string();
  entry.type = reader.string();
  const std::int64_t section = reader.integer();
  entry.sql = reader.string();
  entry.drop = reader.string();
  reader.string();  // the COPY statement
  entry.schema = reader.string();
  entry.tablespace = reader.string();
  entry.access_method = reader.string();
  if (version >= 1 * 256 + 16) entry.relation_kind = static_cast<char>(reader.integer());
  entry.owner = reader.string();
  reader.string();  // whether the table has OIDs, which none has had since version 12
  while (reader.ok()) {
    const auto dependency = reader.maybe_string();
    if (!dependency) break;
    entry.depends.push_back(static_cast<int>(reader.to_number(*dependency)));
  }
  reader.skip_offset();
  if (!reader.ok() || !known_section(section)) return std::nullopt;
  entry.section = static_cast<Section>(section);
  return entry;
}

Result<int> read_version(Reader& reader) {
  const unsigned major = reader.byte();
  const unsigned minor = reader.byte();
  reader.byte();
  const int version = static_cast<int>(major * 256 + minor);
  if (version >= oldest && version <= newest) return version;
  return Error{Fault::invalid,
               "pg_dump wrote its format " + std::to_string(major) + "." + std::to_string(minor) +
                   ", and only 1.14 to 1.16 can be read",
               "put a pg_dump of PostgreSQL 12 to 18 first in PATH"};
}

void skip_head(Reader& reader, int version) {
  if (version >= 1 * 256 + 15) {
    reader.byte();
  } else {
    reader.integer();
  }
  for (int part = 0; part < 7; ++part) reader.integer();
  reader.string();
}

}  // namespace

Result<Toc> parse_toc(std::span<const std::byte> archive) {
  if (archive.size() < 5 || std::memcmp(archive.data(), "PGDMP", 5) != 0) return broken("it does not begin as one");
  Reader reader(archive.subspan(5));
  const int version = TRY(read_version(reader));
  const unsigned integer_size = reader.byte();
  const unsigned offset_size = reader.byte();
  if (!reader.set_sizes(integer_size, offset_size)) return broken("its numbers have an unknown size");
  if (reader.byte() != custom_format) return broken("it is not in custom format");
  skip_head(reader, version);
  Toc toc;
  toc.server_version = reader.string();
  toc.tool_version = reader.string();
  const std::int64_t count = reader.integer();
  for (std::int64_t i = 0; i < count && reader.ok(); ++i) {
    auto entry = read_entry(reader, version);
    if (!entry) return broken("an entry is cut short or malformed");
    toc.entries.push_back(*std::move(entry));
  }
  if (!reader.ok()) return broken("it is cut short or malformed");
  return toc;
}

}  // namespace tributary::postgres
