#include "engine/postgres/schema/shape_change.h"

#include <algorithm>
#include <utility>

#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

using Kind = ShapeChange::Kind;

std::string type_of(const ShapeColumn& column) {
  return column.spelling + (column.collation.empty() ? "" : " COLLATE " + column.collation);
}

std::string computed(const ShapeColumn& column) {
  return " GENERATED ALWAYS AS (" + column.expression + ")" + (column.generated == "s" ? " STORED" : " VIRTUAL");
}

const ShapeColumn* find(const std::vector<ShapeColumn>& columns, const ShapeColumn& like, bool by_name) {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const ShapeColumn& each) {
    return by_name ? each.name == like.name : each.number == like.number;
  });
  return found == columns.end() ? nullptr : &*found;
}

class Comparison {
 public:
  Comparison(const TableShape& known, const TableShape& now, const model::Name& top, Passed passed)
      : known_(known), now_(now), top_(quote_name(top)), passed_(passed == Passed::yes) {}

  ShapeChange compare() &&;

 private:
  bool is_remade() const { return known_.id != now_.id; }
  bool is_moved() const { return known_.above != now_.above || known_.bound != now_.bound; }
  bool is_rewritten() const { return known_.storage != now_.storage; }
  void note(Kind kind, std::string what) {
    change_.kind = std::max(change_.kind, kind);
    change_.what += (change_.what.empty() ? "" : ", ") + std::move(what);
  }
  void alter(std::string action) { change_.statements.push_back("ALTER TABLE " + top_ + " " + std::move(action)); }
  void finish(std::string action) { change_.finishing.push_back("ALTER TABLE " + top_ + " " + std::move(action)); }

  void name();
  void rename_columns();
  void append(const ShapeColumn& column);
  void column(const ShapeColumn& known, const ShapeColumn& now);
  bool is_of_another_type(const ShapeColumn& known, const ShapeColumn& now) const;
  bool loses_default(const ShapeColumn& known, const ShapeColumn& now) const;
  void type(const ShapeColumn& known, const ShapeColumn& now);
  void rules(const ShapeColumn& known, const ShapeColumn& now, ShapeColumn& adopted);
  void detach();
  void attach();

  const TableShape& known_;
  const TableShape& now_;
  const std::string top_;
  const bool passed_;
  bool altered_ = false;
  ShapeChange change_;
};

// The log tells of a table by its id, whatever its name.
void Comparison::name() {
  if (known_.name == now_.name) return;
  note(Kind::in_place, "it was renamed to " + model::display(now_.name));
  change_.renamed_from = known_.name;
}

// Rows that are older than the column have the value that the catalog keeps for them, or NULL. After a rewrite it keeps
// none: they may have any.
void Comparison::append(const ShapeColumn& column) {
  const std::string name = quote_identifier(column.name);
  const bool knows_values = !is_rewritten() && !is_remade();
  std::string action = "ADD COLUMN " + name + " " + type_of(column);
  ShapeColumn adopted = column;
  adopted.not_null = false;
  if (!column.generated.empty()) {
    action += computed(column);
  } else {
    const std::string value = column.missing ? quote_literal(*column.missing) + "::" + column.spelling : "";
    if (knows_values && column.missing) action += " DEFAULT " + value;
    adopted.expression = knows_values ? value : "";
    adopted.identity = "";
  }
  alter(std::move(action));
  note(knows_values ? Kind::in_place : Kind::recopy,
       knows_values ? "column " + name + " was added"
                    : "column " + name +
                          " was added and the rows were rewritten, so that the log does not tell its "
                          "values");
  change_.adopted.columns.push_back(std::move(adopted));
}

// Under the same type and without a rewrite the rows are what they were: the column became wider.
bool Comparison::is_of_another_type(const ShapeColumn& known, const ShapeColumn& now) const {
  const bool same_type = known.type == now.type && known.collation == now.collation;
  return !same_type || (known.modifier != now.modifier && (is_rewritten() || is_remade()));
}

// There may be no cast of it to the other type.
bool Comparison::loses_default(const ShapeColumn& known, const ShapeColumn& now) const {
  return known.generated.empty() && now.generated.empty() && !known.expression.empty() &&
         is_of_another_type(known, now);
}

void Comparison::type(const ShapeColumn& known, const ShapeColumn& now) {
  const bool widened = !is_of_another_type(known, now);
  if (widened && known.modifier == now.modifier) return;
  const std::string name = quote_identifier(now.name);
  if (loses_default(known, now)) alter("ALTER COLUMN " + name + " DROP DEFAULT");
  alter("ALTER COLUMN " + name + " TYPE " + type_of(now) + (widened ? "" : " USING " + name + "::" + now.spelling));
  note(widened ? Kind::in_place : Kind::recopy,
       "column " + name + " was changed from " + known.spelling + " to " + now.spelling);
}

// Columns that change names with each other go by one that nobody has.
void Comparison::rename_columns() {
  std::vector<std::pair<std::string, std::string>> later;
  for (const ShapeColumn& before : known_.columns) {
    const ShapeColumn* const now = find(now_.columns, before, is_remade());
    if (now == nullptr || now->name == before.name) continue;
    const std::string from = quote_identifier(before.name);
    const std::string to = quote_identifier(now->name);
    note(Kind::recopy, "column " + from + " was renamed to " + to);
    const ShapeColumn* const other = find(known_.columns, *now, true);
    const bool is_taken = other != nullptr && find(now_.columns, *other, is_remade()) != nullptr;
    const std::string between = quote_identifier("tributary " + std::to_string(before.number));
    alter("RENAME COLUMN " + from + " TO " + (is_taken ? between : to));
    if (is_taken) later.emplace_back(between, to);
  }
  for (const auto& [from, to] : later) alter("RENAME COLUMN " + from + " TO " + to);
}

void Comparison::column(const ShapeColumn& known, const ShapeColumn& now) {
  const std::string name = quote_identifier(now.name);
  if (known.generated != now.generated) {
    alter(now.generated.empty() ? "ALTER COLUMN " + name + " DROP EXPRESSION IF EXISTS" : "DROP COLUMN " + name);
    if (!now.generated.empty()) alter("ADD COLUMN " + name + " " + type_of(now) + computed(now));
    note(Kind::recopy, now.generated.empty() ? "column " + name + " is not computed any more"
                                             : "column " + name + " is computed now");
  } else if (!now.generated.empty() && known.expression != now.expression) {
    alter("ALTER COLUMN " + name + " SET EXPRESSION AS (" + now.expression + ")");
    note(Kind::recopy, "column " + name + " is computed in another way");
  }
  type(known, now);
  altered_ = altered_ || known.version != now.version;
  ShapeColumn adopted = now;
  rules(known, now, adopted);
  change_.adopted.columns.push_back(std::move(adopted));
}

// What says which rows may come says nothing of those that are there.
void Comparison::rules(const ShapeColumn& known, const ShapeColumn& now, ShapeColumn& adopted) {
  const std::string column = "ALTER COLUMN " + quote_identifier(now.name) + " ";
  if (known.not_null && !now.not_null) {
    alter(column + "DROP NOT NULL");
    note(Kind::in_place, "column " + quote_identifier(now.name) + " may be NULL");
  }
  adopted.not_null = known.not_null && now.not_null;
  const std::string left = loses_default(known, now) ? "" : known.expression;
  if (now.generated.empty()) adopted.expression = left;
  adopted.identity = known.identity;
  if (!passed_) return;
  if (!known.not_null && now.not_null) finish(column + "SET NOT NULL");
  if (now.generated.empty() && left != now.expression)
    finish(column + (now.expression.empty() ? "DROP DEFAULT" : "SET DEFAULT " + now.expression));
  if (known.identity != now.identity) {
    const std::string always = now.identity == "a" ? "ALWAYS" : "BY DEFAULT";
    finish(column + (now.identity.empty()     ? "DROP IDENTITY IF EXISTS"
                     : known.identity.empty() ? "ADD GENERATED " + always + " AS IDENTITY"
                                              : "SET GENERATED " + always));
  }
  adopted.not_null = now.not_null;
  adopted.expression = now.expression;
  adopted.identity = now.identity;
}

// At once: rows may come that have no place there.
void Comparison::detach() {
  if (!is_moved() || !known_.above) return;
  change_.statements.push_back("ALTER TABLE " + quote_name(*known_.above) + " DETACH PARTITION " +
                               quote_name(now_.name));
  note(Kind::in_place, "it was detached from " + model::display(*known_.above));
}

// When all rows are as they were then.
void Comparison::attach() {
  if (!is_moved() || !now_.above) return;
  if (!passed_) {
    change_.adopted.above.reset();
    change_.adopted.bound.clear();
    return;
  }
  change_.statements.push_back("ALTER TABLE " + quote_name(*now_.above) + " ATTACH PARTITION " + quote_name(now_.name) +
                               " " + now_.bound);
  note(Kind::in_place, "it was attached to " + model::display(*now_.above));
}

ShapeChange Comparison::compare() && {
  change_.adopted = now_;
  change_.adopted.columns.clear();
  if (is_remade()) note(Kind::recopy, "it was dropped and made anew");
  name();
  detach();
  for (const ShapeColumn& each : known_.columns) {
    if (find(now_.columns, each, is_remade()) != nullptr) continue;
    alter("DROP COLUMN " + quote_identifier(each.name));
    note(Kind::recopy, "column " + quote_identifier(each.name) + " was dropped");
  }
  rename_columns();
  for (const ShapeColumn& each : now_.columns) {
    const ShapeColumn* const before = find(known_.columns, each, is_remade());
    if (before == nullptr) {
      append(each);
    } else {
      column(*before, each);
    }
  }
  if (is_rewritten() && altered_ && change_.kind != Kind::recopy)
    note(Kind::recopy, "its rows were rewritten by ALTER TABLE, which the log does not tell");
  attach();
  return std::move(change_);
}

}  // namespace

ShapeChange compare(const TableShape& known, const TableShape& now, const model::Name& top, Passed passed) {
  return Comparison(known, now, top, passed).compare();
}

std::string script_of(const std::vector<std::string>& statements) {
  std::string script;
  for (const std::string& each : statements) script += (script.empty() ? "" : " ") + each + ";";
  return script;
}

}  // namespace tributary::postgres
