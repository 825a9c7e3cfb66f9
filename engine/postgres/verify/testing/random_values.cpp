#include "engine/postgres/verify/testing/random_values.h"

#include <algorithm>

namespace tributary::testbed {
namespace {

using Draw = std::function<std::string(Random&, const ValueRules&)>;

Draw one_of(std::vector<std::string> values) {
  return [values = std::move(values)](Random& random, const ValueRules&) { return random.pick(values); };
}

std::string digits(Random& random, std::size_t most) {
  std::string text(1, static_cast<char>('1' + random.below(9)));
  for (std::size_t more = random.below(most); more > 0; --more) text += static_cast<char>('0' + random.below(10));
  return text;
}

Draw integers(int bits) {
  return [bits](Random& random, const ValueRules&) {
    const std::uint64_t any = random.below(1ULL << (bits - 1));
    const std::int64_t value = static_cast<std::int64_t>(random.once_in(2) ? any : any % 100);
    return std::to_string(random.once_in(3) ? -value : value);
  };
}

std::string numeric(Random& random, const ValueRules& rules) {
  if (random.once_in(12)) return "NaN";
  if (rules.major >= 14 && random.once_in(12)) return random.once_in(2) ? "Infinity" : "-Infinity";
  std::string text = std::string(random.once_in(3) ? "-" : "") + (random.once_in(6) ? "0" : digits(random, 30));
  if (random.once_in(2)) return text;
  text += ".";
  for (std::size_t scale = random.below(12); scale > 0; --scale) text += static_cast<char>('0' + random.below(10));
  return text + std::string(random.below(3) + 1, '0');
}

std::string real(Random& random, const ValueRules&) {
  static const std::vector<std::string> odd{"NaN", "0", "-0", "Infinity", "-Infinity", "1e-30", "3.4e38", "0.1"};
  if (random.once_in(3)) return random.pick(odd);
  return std::string(random.once_in(3) ? "-" : "") + digits(random, 7) + "." + digits(random, 8) + "e" +
         std::to_string(random.between(-20, 20));
}

std::string hex(Random& random, std::size_t length) {
  std::string text;
  while (text.size() < length) text += "0123456789abcdef"[random.below(16)];
  return text;
}

std::string uuid(Random& random, const ValueRules&) {
  return hex(random, 8) + "-" + hex(random, 4) + "-" + hex(random, 4) + "-" + hex(random, 4) + "-" + hex(random, 12);
}

std::string bytea(Random& random, const ValueRules&) {
  return "\\x" + hex(random, 2 * random.below(20));
}

std::string two(int number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string date(Random& random, const ValueRules&) {
  static const std::vector<std::string> odd{"infinity", "-infinity", "4713-01-01 BC", "0001-12-31 BC", "5874897-12-31"};
  if (random.once_in(10)) return random.pick(odd);
  return std::to_string(random.between(1900, 2100)) + "-" + two(random.between(1, 12)) + "-" +
         two(random.between(1, 28));
}

std::string time_of_day(Random& random, const ValueRules&) {
  std::string text = two(random.between(0, 23)) + ":" + two(random.between(0, 59)) + ":" + two(random.between(0, 59));
  return random.once_in(2) ? text : text + "." + digits(random, 5);
}

std::string timestamp(Random& random, const ValueRules& rules) {
  if (random.once_in(10)) return random.once_in(2) ? "infinity" : "-infinity";
  return std::to_string(random.between(1, 9999) + 10000).substr(1) + "-" + two(random.between(1, 12)) + "-" +
         two(random.between(1, 28)) + " " + time_of_day(random, rules);
}

std::string timestamptz(Random& random, const ValueRules& rules) {
  const std::string text = timestamp(random, rules);
  return text.back() == 'y' ? text : text + random.pick<std::string>({"+00", "+05:30", "-11"});
}

std::string timetz(Random& random, const ValueRules& rules) {
  return time_of_day(random, rules) + random.pick<std::string>({"+00", "+05:30", "-11"});
}

std::string interval(Random& random, const ValueRules& rules) {
  static const std::vector<std::string> odd{"1 day", "24 hours", "1 mon", "30 days",
                                            "-1 year 2 mons -3 days 04:05:06.7"};
  if (rules.major >= 17 && random.once_in(12)) return "infinity";
  if (random.once_in(2)) return random.pick(odd);
  return std::to_string(random.between(-40, 40)) + " days " + std::to_string(random.between(-9, 99)) + " mons " +
         std::to_string(random.between(-9999, 9999)) + "." + digits(random, 5) + " secs";
}

std::string money(Random& random, const ValueRules&) {
  return std::string(random.once_in(3) ? "-" : "") + digits(random, 12) + "." + two(random.between(0, 99));
}

std::string in_json(const std::string& text) {
  std::string quoted = "\"";
  for (const char each : text) {
    if (each == '"' || each == '\\') quoted += '\\';
    if (static_cast<unsigned char>(each) < ' ') {
      quoted += std::string("\\u00") + "01"[each / 16] + "0123456789abcdef"[each % 16];
    } else {
      quoted += each;
    }
  }
  return quoted + "\"";
}

std::string json(Random& random, const ValueRules& rules) {
  static const std::vector<std::string> atoms{"1", "1.0", "1.00", "null", "true", "[]", "{}", "[ 1,2 ]", "-0", "100"};
  if (random.once_in(3)) return random.pick(atoms);
  if (random.once_in(2)) return in_json(draw_text(random, rules));
  return "{\"a\" :" + random.pick(atoms) + ", \"a\":" + in_json(draw_text(random, rules)) + ",\"b\":[" +
         random.pick(atoms) + "]}";
}

std::string xml(Random& random, const ValueRules& rules) {
  static const std::vector<std::string> atoms{"plain", "<a/>", "<a></a>", "<a b=\"1\">x</a> ", "<!-- c --><a>1</a>"};
  return random.once_in(2)
             ? random.pick(atoms)
             : "<v>" + std::string(rules.alphabet == Alphabet::cyrillic ? "ж" : "é") + digits(random, 9) + "</v>";
}

std::string point(Random& random, const ValueRules&) {
  return "(" + std::to_string(random.between(-9, 9)) + "." + digits(random, 9) + "," +
         std::to_string(random.between(-9, 9)) + ")";
}

Draw points(std::size_t least, std::size_t most, const std::string& open, const std::string& close) {
  return [=](Random& random, const ValueRules& rules) {
    std::string text = open;
    for (std::size_t left = least + random.below(most - least + 1); left > 0; --left)
      text += point(random, rules) + (left > 1 ? "," : "");
    return text + close;
  };
}

Draw range(Draw bound) {
  return [bound = std::move(bound)](Random& random, const ValueRules& rules) -> std::string {
    if (random.once_in(8)) return "empty";
    if (random.once_in(8)) return "(,)";
    const std::string from = "\"" + bound(random, rules) + "\"";
    return random.once_in(2)   ? "[" + from + "," + from + "]"
           : random.once_in(2) ? "[" + from + ",)"
                               : "(," + from + "]";
  };
}

Draw multirange(const Draw& bound) {
  return [each = range(bound)](Random& random, const ValueRules& rules) {
    std::string text = "{";
    for (std::size_t left = random.below(3); left > 0; --left) text += each(random, rules) + (left > 1 ? "," : "");
    return text + "}";
  };
}

std::string quoted(const std::string& text) {
  std::string item = "\"";
  for (const char each : text) item += (each == '"' || each == '\\' ? std::string("\\") : std::string()) + each;
  return item + "\"";
}

Draw array(Draw item) {
  return [item = std::move(item)](Random& random, const ValueRules& rules) {
    const auto items = [&](std::size_t count) {
      std::string text = "{";
      for (std::size_t left = count; left > 0; --left)
        text += (random.once_in(5) ? "NULL" : quoted(item(random, rules))) + (left > 1 ? "," : "");
      return text + "}";
    };
    if (random.once_in(6)) return "{" + items(2) + "," + items(2) + "}";
    if (random.once_in(8)) return "[0:1]=" + items(2);
    return items(random.below(4));
  };
}

Draw shortened(std::size_t most) {
  return [most](Random& random, const ValueRules& rules) {
    std::string text = draw_text(random, rules);
    std::size_t characters = 0;
    std::size_t at = 0;
    while (at < text.size() && characters < most) {
      ++characters;
      for (++at; at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; ++at) {
      }
    }
    return text.substr(0, at);
  };
}

std::string composite(Random& random, const ValueRules& rules) {
  const std::string text = random.once_in(4) ? "" : quoted(draw_text(random, rules));
  return "(" + std::to_string(random.between(-9, 9)) + "," + text + "," +
         (random.once_in(4) ? "" : real(random, rules)) + ")";
}

Draw bits(std::size_t least, std::size_t most) {
  return [=](Random& random, const ValueRules&) {
    std::string text;
    for (std::size_t left = least + random.below(most - least + 1); left > 0; --left)
      text += random.once_in(2) ? '1' : '0';
    return text;
  };
}

std::vector<ValueType> plain_types() {
  const auto inet =
      one_of({"10.1.2.3", "10.1.2.0/24", "10.1.2.3/24", "::1", "fe80::1/64", "0.0.0.0/0", "255.255.255.255"});
  const auto text = [](Random& random, const ValueRules& rules) { return draw_text(random, rules); };
  return {
      {"int2", integers(15), true, true, true, "int4", "(%s # 5)"},
      {"int4", integers(31), true, true, true, "int8", "(%s # 5)"},
      {"int8", integers(62), true, true, true, "numeric", "(%s # 5)"},
      {"oid", one_of({"0", "1", "4023456789", "77", "78", "79"}), true, false, true},
      {"numeric", numeric, true, true, true, "", "(%s = 0)"},
      {"numeric(12,3)", [](Random& random, const ValueRules&) { return digits(random, 8) + "." + digits(random, 3); },
       true, true, true},
      {"float4", real, true, false, true},
      {"float8", real, true, false, true, "", "(%s > 1)"},
      {"bool", one_of({"t", "f"}), true, false, false},
      {"text", text, true, true, false, "varchar", "length(%s)"},
      {"varchar(60)", shortened(60), true, true, false, "text", "length(%s)"},
      {"char(5)", shortened(5), true, false, false},
      {"bpchar", shortened(9), true, false, false},
      {"\"char\"", one_of({"a", "b", "\\", "\"", ",", "", " "}), true, false, false},
      {"name", one_of({"a", "A b", "", "\"", "x'y", "\\N", "%s"}), true, false, false, "text"},
      {"bytea", bytea, true, false, false, "", "octet_length(%s)"},
      {"uuid", uuid, true, true, false},
      {"date", date, true, true, false},
      {"time", time_of_day, true, false, false},
      {"timetz", timetz, true, false, false},
      {"timestamp", timestamp, true, true, false},
      {"timestamp(2)", timestamp, true, true, false},
      {"timestamptz", timestamptz, true, true, false},
      {"interval", interval, true, false, false},
      {"money", money, true, false, false},
      {"inet", inet, true, false, false},
      {"cidr", one_of({"10.1.2.0/24", "::/0", "10.0.0.0/8", "1.2.3.4/32"}), true, false, false},
      {"macaddr", one_of({"08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"}), true, false, false},
      {"macaddr8", one_of({"08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:00:00"}), true, false, false},
      {"bit(6)", bits(6, 6), true, false, false},
      {"varbit", bits(0, 20), true, false, false},
      {"json", json},
      {"jsonb", json, true, false, false},
      {"xml", xml},
      {"tsvector", one_of({"a:1A b:2", "'it''s':3 c", "", "x:1,2,3B"})},
      {"tsquery", one_of({"a & b", "!a | 'c d':*", "a <-> b"})},
      {"jsonpath", one_of({"$.a", "strict $.\"a b\"[*] ? (@ > 1)", "$"})},
      {"point", point},
      {"line", one_of({"{1,2,3}", "{-1.5,0.25,7}"})},
      {"lseg", points(2, 2, "[", "]")},
      {"box", points(2, 2, "", "")},
      {"path", points(1, 4, "(", ")")},
      {"path", points(1, 4, "[", "]")},
      {"polygon", points(3, 6, "(", ")")},
      {"circle", one_of({"<(1,2),3>", "<(0.1,-0.2),1e-9>"})},
      {"pg_lsn", one_of({"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"}), true, false, false},
      {"xid", one_of({"0", "3", "4294967295"})},
      {"xid8", one_of({"0", "3", "18446744073709551615"}), false, false, false, "", "", 13},
      {"tid", one_of({"(0,1)", "(4294967295,65535)"})}};
}

// What citext takes for equal depends on the locale beyond these.
std::string ascii(Random& random, const ValueRules& rules) {
  std::string text = draw_text(random, rules);
  std::erase_if(text, [](char each) { return (static_cast<unsigned char>(each) & 0x80) != 0; });
  return text;
}

std::vector<ValueType> composed_types() {
  const auto text = [](Random& random, const ValueRules& rules) { return draw_text(random, rules); };
  const auto mood = one_of({"sad", "it's", "a,b", "o\"k", ""});
  const auto int4 = integers(30);
  return {{"int4range", range(int4), true, false, false},
          {"numrange", range(one_of({"1.0", "1.00", "7", "-3.5"})), true, false, false},
          {"tstzrange", range(timestamptz)},
          {"daterange", range(one_of({"2020-01-01", "1999-12-31", "infinity"}))},
          {"int4multirange", multirange(int4), true, false, false, "", "", 14},
          {"datemultirange", multirange(one_of({"2020-01-01", "1999-12-31"})), false, false, false, "", "", 14},
          {"text_range", range(one_of({"a", "b c", "it's", ","})), true, false, false},
          {"text[]", array(text)},
          {"int4[]", array(int4), true, false, false},
          {"float4[]", array(real)},
          {"numeric[]", array(numeric)},
          {"bool[]", array(one_of({"t", "f"}))},
          {"timestamptz[]", array(timestamptz)},
          {"bytea[]", array(bytea)},
          {"jsonb[]", array(json)},
          {"int4range[]", array(range(int4))},
          {"\"My Mood\"", mood, true, false, false, "text"},
          {"\"My Mood\"[]", array(mood)},
          {"small_int", [](Random& random, const ValueRules&) { return std::to_string(random.between(0, 99999)); },
           true, false, true, "int4"},
          {"\"short text\"", shortened(40), true, false, false, "text"},
          {"padded", shortened(6), true, false, false},
          {"ints", array(int4), true, false, false},
          {"email", ascii, true, false, false, "text"},
          {"citext", ascii, true, false, false, "email"},
          {"hstore", one_of({"a=>1", "a=>NULL, \"b c\"=>\"'\"", "", "x=>y, z=>\"\""}), true, false, false},
          {"pair", composite, true, false, false},
          {"pair[]", array(composite)},
          {"text COLLATE \"C\"", text, true, true, false},
          {"text COLLATE \"und-x-icu\"", text, true, false, false},
          {"text COLLATE public.caseless", text, true, false, false}};
}

}  // namespace

const std::vector<ValueType>& value_types() {
  static const std::vector<ValueType> types = [] {
    std::vector<ValueType> all = plain_types();
    for (ValueType& each : composed_types()) all.push_back(std::move(each));
    return all;
  }();
  return types;
}

std::string create_types(bool is_target) {
  return std::string("CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE TYPE \"My Mood\" AS ENUM (") +
         (is_target ? "'', 'o\"k', 'a,b', 'it''s', 'sad'" : "'sad', 'it''s', 'a,b', 'o\"k', ''") +
         "); CREATE DOMAIN small_int AS int CHECK (VALUE < 1000000); CREATE DOMAIN \"short text\" AS varchar(40);"
         "CREATE DOMAIN padded AS char(6); CREATE DOMAIN ints AS int[]; CREATE DOMAIN email AS citext;"
         "CREATE TYPE pair AS (a int, \"B c\" text, f float8);"
         "CREATE TYPE text_range AS RANGE (subtype = text, collation = \"C\");"
         "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";
}

std::string literal_of(const std::string& text) {
  std::string literal = "E'";
  for (const char each : text) literal += (each == '\'' || each == '\\' ? std::string(1, each) : std::string()) + each;
  return literal + "'";
}

std::string draw_text(Random& random, const ValueRules& rules) {
  static const std::vector<std::string> plain{"",    " ",  "a",  "A",    "b",    "\t", "\n", "\r", "\\",   "\\N",
                                              "\\.", "'",  "\"", ",",    "{",    "}",  "(",  ")",  "NULL", "null",
                                              "%",   "%s", "$1", "\x01", "\x7f", "\b", "\v", "1",  ";",    "word "};
  static const std::vector<std::string> latin{"é", "É", "ß", "ÿ", "£"};
  static const std::vector<std::string> cyrillic{"ё", "Ё", "а", "я", "Ж", "№"};
  static const std::vector<std::string> unicode{"é", "e\u0301", "ß", "日本", "😀", "ё", "а", "Ω", "\u200b", "\ufffd"};
  const std::vector<std::string>& letters = rules.alphabet == Alphabet::latin      ? latin
                                            : rules.alphabet == Alphabet::cyrillic ? cyrillic
                                                                                   : unicode;
  std::string text;
  for (std::size_t left = random.below(7); left > 0; --left) text += random.pick(random.once_in(3) ? letters : plain);
  return text;
}

std::string draw_name(Random& random, const ValueRules& rules) {
  static const std::vector<std::string> plain{"a", "B", " ",  "\"", "%", "'", "select", ".",
                                              ",", "1", "%s", "\\", "t", "=", "$1",     "\t"};
  static const std::vector<std::string> odd{"é", "日本", "😀"};
  std::string name = random.once_in(3) ? "c" : random.pick<std::string>({"order", "Upper", "x y", "t", "sum", "1"});
  const std::size_t most = random.once_in(8) ? 60 : 12;
  while (name.size() < most && !(most < 60 && random.once_in(3)))
    name += rules.alphabet == Alphabet::unicode && random.once_in(5) ? random.pick(odd) : random.pick(plain);
  while (name.size() > 60) name.pop_back();
  while ((static_cast<unsigned char>(name.back()) & 0x80) != 0) name.pop_back();
  return name;
}

}  // namespace tributary::testbed
