#include "engine/postgres/copy/copy_format.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace tributary::postgres {
namespace {

constexpr std::uint32_t first_user_oid = 16384;  // FirstNormalObjectId of src/include/access/transam.h
constexpr char foreign_oid = '^';
constexpr int first_lenient_major = 14;  // takes a part whose user type has another OID (array_recv, record_recv)
constexpr int deepest_type = 32;
constexpr std::size_t longest_shape = 16 * 1024;

// Built-in types whose receive function only raises an error.
constexpr std::array<std::string_view, 6> never_received = {"pg_node_tree",          "pg_ndistinct",
                                                            "pg_dependencies",       "pg_mcv_list",
                                                            "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary"};

struct Attribute {
  std::string name;
  std::uint32_t type = 0;
};

struct Type {
  std::string name;
  char kind = 'b';  // pg_type.typtype
  std::uint32_t element = 0;
  std::uint32_t base = 0;
  std::uint32_t range_of = 0;  // subtype of a range, range of a multirange
  std::string send;            // name of the send function, "" where there is none
  bool receives = false;
  std::string extension;  // name@version
  std::vector<Attribute> attributes;
};

class Types {
 public:
  void add(std::uint32_t id, Type type) { types_[id] = std::move(type); }
  void add_attribute(std::uint32_t id, Attribute attribute) { types_[id].attributes.push_back(std::move(attribute)); }

  const std::string& shape(std::uint32_t id, int depth = 0) {
    if (const auto known = shapes_.find(id); known != shapes_.end()) return known->second;
    const auto type = types_.find(id);
    std::string shape = type == types_.end() || depth > deepest_type ? "" : spell(id, type->second, depth + 1);
    if (shape.size() > longest_shape) shape.clear();
    return shapes_[id] = std::move(shape);
  }

 private:
  std::string spell(std::uint32_t id, const Type& type, int depth) {
    switch (type.kind) {
      case 'd':
        return shape(type.base, depth);
      case 'e':
        return "enum";
      case 'r':
        return enclose("range<", shape(type.range_of, depth), ">");
      case 'm':
        return enclose("multirange<", shape(type.range_of, depth), ">");
      case 'c':
        return composite(type, depth);
      default:
        return base(id, type, depth);
    }
  }

  std::string base(std::uint32_t id, const Type& type, int depth) {
    if (type.send.empty() || !type.receives) return "";
    if (type.send == "array_send") return enclose("{", carried(type.element, depth), "}");
    if (!type.extension.empty()) return type.extension + "/" + type.name;
    const bool object_reference = type.send.starts_with("reg") && type.send.ends_with("send");
    const bool raises = std::find(never_received.begin(), never_received.end(), type.name) != never_received.end();
    return id >= first_user_oid || object_reference || raises ? "" : type.name;
  }

  // Arrays and composites name the types of their parts by OID.
  std::string carried(std::uint32_t id, int depth) {
    const std::string& inner = shape(id, depth);
    return inner.empty() || id < first_user_oid ? inner : foreign_oid + inner;
  }

  std::string composite(const Type& type, int depth) {
    std::string text = "(";
    for (const Attribute& attribute : type.attributes) {
      const std::string part = carried(attribute.type, depth);
      if (part.empty() || text.size() > longest_shape) return "";
      text += std::to_string(attribute.name.size()) + "'" + attribute.name + ":" + part + ",";
    }
    return text + ")";
  }

  static std::string enclose(const char* before, const std::string& inner, const char* after) {
    return inner.empty() ? "" : before + inner + after;
  }

  std::unordered_map<std::uint32_t, Type> types_;
  std::unordered_map<std::uint32_t, std::string> shapes_;
};

constexpr const char* columns_of_tables =
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u') AND n.nspname NOT LIKE 'pg\\_%'"
    " AND n.nspname NOT IN ('information_schema', '_tributary')";

// All types that the columns of tables reach.
std::string used_types(int major) {
  const std::string multirange =
      major >= 14 ? " UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid" : "";
  return "WITH RECURSIVE used(id) AS (SELECT DISTINCT a.atttypid" + std::string(columns_of_tables) +
         " UNION SELECT p.part FROM used JOIN pg_type t ON t.oid = used.id CROSS JOIN LATERAL ("
         "SELECT t.typelem AS part WHERE t.typelem <> 0"
         " UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0"
         " UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid" +
         multirange +
         " UNION ALL SELECT a.atttypid FROM pg_attribute a"
         " WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) p) ";
}

std::string type_query(int major) {
  const std::string range = major >= 14 ? "coalesce((SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid),"
                                          " (SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid))"
                                        : "(SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid)";
  return used_types(major) + "SELECT t.oid, t.typname, t.typtype, t.typelem, t.typbasetype, " + range +
         ", s.proname, t.typreceive <> 0, e.extname || '@' || e.extversion FROM pg_type t"
         " LEFT JOIN pg_proc s ON s.oid = t.typsend"
         " LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid"
         "  AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'"
         " LEFT JOIN pg_extension e ON e.oid = d.refobjid"
         " WHERE t.oid IN (SELECT id FROM used)";
}

std::string attribute_query(int major) {
  return used_types(major) +
         "SELECT t.oid, a.attname, a.atttypid FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid"
         " WHERE t.typtype = 'c' AND t.oid IN (SELECT id FROM used) AND a.attnum > 0 AND NOT a.attisdropped"
         " ORDER BY t.oid, a.attnum";
}

std::uint32_t oid_of(const Rows& rows, int row, int column) {
  return static_cast<std::uint32_t>(rows.integer(row, column));
}

Result<Types> read_types(Connection& connection, const Until& until) {
  Types types;
  const Rows rows = TRY(connection.query(type_query(connection.major_version()), until));
  for (int row = 0; row < rows.size(); ++row) {
    const std::string_view kind = rows.text(row, 2);
    types.add(oid_of(rows, row, 0), {rows.str(row, 1),
                                     kind.empty() ? 'b' : kind[0],
                                     oid_of(rows, row, 3),
                                     oid_of(rows, row, 4),
                                     oid_of(rows, row, 5),
                                     rows.str(row, 6),
                                     rows.boolean(row, 7),
                                     rows.str(row, 8),
                                     {}});
  }
  const Rows attributes = TRY(connection.query(attribute_query(connection.major_version()), until));
  for (int row = 0; row < attributes.size(); ++row) {
    types.add_attribute(oid_of(attributes, row, 0), {attributes.str(row, 1), oid_of(attributes, row, 2)});
  }
  return types;
}

}  // namespace

Result<Shapes> read_shapes(Connection& connection, const Until& until) {
  Types types = TRY(read_types(connection, until));
  const Rows rows = TRY(
      connection.query("SELECT n.nspname, c.relname, a.attname, a.atttypid" + std::string(columns_of_tables), until));
  Shapes shapes;
  shapes.server_version = connection.server_version();
  for (int row = 0; row < rows.size(); ++row) {
    shapes.tables[{rows.str(row, 0), rows.str(row, 1)}][rows.str(row, 2)] = types.shape(oid_of(rows, row, 3));
  }
  return shapes;
}

model::CopyFormat choose_format(const model::Table& table, const Shapes& source, const Shapes& target) {
  const auto here = source.tables.find(table.name);
  const auto there = target.tables.find(table.name);
  const bool known = here != source.tables.end() && there != target.tables.end();
  const bool strict = target.server_version / 10000 < first_lenient_major;
  const auto same = [&](const model::Column& column) {
    if (column.generated) return true;
    if (!known) return false;
    const auto from = here->second.find(column.name);
    const auto to = there->second.find(column.name);
    return from != here->second.end() && to != there->second.end() && !from->second.empty() &&
           from->second == to->second && !(strict && from->second.find(foreign_oid) != std::string::npos);
  };
  const bool binary = std::all_of(table.columns.begin(), table.columns.end(), same);
  return binary ? model::CopyFormat::binary : model::CopyFormat::text;
}

}  // namespace tributary::postgres
