#include "engine/postgres/roles/database_statements.h"

#include "engine/base/counted.h"
#include "engine/base/digest.h"
#include "engine/postgres/client/condition.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/roles/grants.h"
#include "engine/postgres/roles/role_gaps.h"
#include "engine/postgres/roles/settings.h"

namespace tributary::postgres {
namespace {

// The columns of pg_database that speak of locales: 15 brought the provider, 16 rules, 17 one locale for all providers.
std::string properties_query(int major) {
  const std::string provider = major >= 15 ? "d.datlocprovider" : "'c'";
  const std::string locale = major >= 17 ? "d.datlocale" : major >= 15 ? "d.daticulocale" : "NULL";
  const std::string rules = major >= 16 ? "d.daticurules" : "NULL";
  return "SELECT pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, " + provider + ", " + locale +
         ", " + rules +
         ", pg_catalog.pg_get_userbyid(d.datdba), d.datconnlimit, d.datistemplate, "
         "pg_catalog.shobj_description(d.oid, 'pg_database'), t.spcname, d.datacl IS NOT NULL "
         "FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace "
         "WHERE d.datname = pg_catalog.current_database()";
}

const char* const grants_query =
    "SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee) END, a.privilege_type, "
    "bool_or(a.is_grantable) "
    "FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a "
    "WHERE d.datname = pg_catalog.current_database() GROUP BY 1, 2 ORDER BY 1, 2";

const char* const settings_query =
    "SELECT CASE s.setrole WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(s.setrole) END, c.words "
    "FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase "
    "CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c (words, n) "
    "WHERE d.datname = pg_catalog.current_database() ORDER BY 1, c.n";

const char* const mark = "unfinished copy by Tributary";

struct Locale {
  std::string encoding;
  std::string collate;
  std::string ctype;
  char provider = 'c';
  std::string locale;
  std::string rules;
};

// CREATE DATABASE's options; 15 brought LOCALE_PROVIDER and ICU_LOCALE, 16 ICU_RULES, 17 BUILTIN_LOCALE.
std::string create_options(const Locale& locale, int major) {
  std::string sql = " TEMPLATE template0 ENCODING " + quote_literal(locale.encoding) + " LC_COLLATE " +
                    quote_literal(locale.collate) + " LC_CTYPE " + quote_literal(locale.ctype);
  if (major < 15) return sql;
  if (locale.provider == 'i') {
    sql += " LOCALE_PROVIDER icu ICU_LOCALE " + quote_literal(locale.locale);
    if (!locale.rules.empty() && major >= 16) sql += " ICU_RULES " + quote_literal(locale.rules);
    return sql;
  }
  if (locale.provider == 'b' && major >= 17) {
    return sql + " LOCALE_PROVIDER builtin BUILTIN_LOCALE " + quote_literal(locale.locale);
  }
  return sql + " LOCALE_PROVIDER libc";
}

class Describer {
 public:
  Describer(const TargetTraits& target, const std::string& name)
      : target_(target), name_(name), object_("DATABASE " + quote_identifier(name)) {}

  void add(const std::string& what, const std::string& sql) {
    statements_.push_back({what + " of database " + name_, sql, true});
  }

  void settings(const Rows& rows) {
    for (int i = 0; i < rows.size(); ++i) {
      const std::string role = rows.str(i, 0);
      const std::string words = assignment(rows.text(i, 1));
      if (words.empty()) continue;
      if (!role.empty() && !target_.roles.contains(role)) {
        ++settings_left_out_[role];
        continue;
      }
      const std::string setting = "setting " + rows.str(i, 1).substr(0, rows.text(i, 1).find('='));
      const std::string whose =
          role.empty() ? "ALTER " + object_ : "ALTER ROLE " + quote_identifier(role) + " IN " + object_;
      add(setting, whose + " SET " + words);
    }
  }

  // A superuser's grants are the owner's, so the owner comes first and stands in them. Whoever else hands a database
  // over may not be able to change it afterwards: there the owner comes last and takes over what we had.
  void ownership(const std::string& owner, const Rows* grants) {
    const bool hands_over = owner != target_.user && target_.assumable.contains(owner);
    const std::string alter = "ALTER " + object_ + " OWNER TO " + quote_identifier(owner);
    if (hands_over && target_.superuser) add("owner", alter);
    if (grants != nullptr) this->grants({owner, hands_over && target_.superuser ? owner : target_.user}, *grants);
    if (hands_over && !target_.superuser) add("owner", alter);
    if (hands_over || owner == target_.user) return;
    findings_.push_back(
        {api::Severity::warning, "OwnerNotSet", "database " + name_,
         "its owner " + owner + " does not exist on the target or may not be assumed by " + target_.user, ""});
  }

  const std::string& object() const { return object_; }
  std::vector<Statement> take() { return std::move(statements_); }
  std::vector<api::Finding> take_findings() {
    for (const auto& [role, count] : grants_left_out_)
      findings_.push_back(grants_left_out(role, count, "database " + name_));
    for (const auto& [role, count] : settings_left_out_)
      findings_.push_back({api::Severity::warning, "DatabasePropertySkipped", "role " + role,
                           counted(count, "setting") + " of this role in database " + name_ +
                               " left out: it does not exist on the target",
                           "create the role on the target and set them there, or let roles be copied"});
    return std::move(findings_);
  }

 private:
  void grants(const Owners& owners, const Rows& rows) {
    std::vector<Grant> grants;
    for (int i = 0; i < rows.size(); ++i) grants.push_back({rows.str(i, 0), rows.str(i, 1), rows.boolean(i, 2)});
    for (const std::string& sql : grant_statements(object_, owners, grants, target_.roles, grants_left_out_))
      add("grants", sql);
  }

  const TargetTraits& target_;
  const std::string& name_;
  std::string object_;
  std::vector<Statement> statements_;
  std::vector<api::Finding> findings_;
  std::map<std::string, std::uint64_t> grants_left_out_;    // by role
  std::map<std::string, std::uint64_t> settings_left_out_;  // by role
};

constexpr std::string_view database_exists_already = "42P04";
constexpr std::string_view no_such_database = "3D000";
constexpr std::string_view in_use = "55006";

// What CREATE DATABASE and COMMENT fail with when another engine makes the same database at the same time: it exists,
// or bears its name by now.
bool is_made_by_another(std::string_view sqlstate) {
  return sqlstate == database_exists_already || sqlstate == no_such_database || is_race_in_catalog(sqlstate);
}

Result<void> create_unnamed(Connection& server, const DatabaseStatements& database, const Until& until) {
  for (const Statement& statement : database.create) {
    const Result<void> done = server.execute(statement.sql, until);
    if (!done && !is_made_by_another(server.sqlstate()))
      return within("creating " + statement.object + " on the target", done.error());
  }
  return {};
}

Result<void> drop_unnamed(Connection& server, const DatabaseStatements& database, const Until& until) {
  return server.execute("DROP DATABASE IF EXISTS " + quote_identifier(database.name_while_new), until);
}

Result<void> name_database(Connection& server, const DatabaseStatements& database, const Until& until) {
  const Result<void> named = server.execute(
      "ALTER DATABASE " + quote_identifier(database.name_while_new) + " RENAME TO " + quote_identifier(database.name),
      until);
  if (named || server.sqlstate() == no_such_database) return {};
  if (server.sqlstate() == database_exists_already) return drop_unnamed(server, database, until);
  Error error = named.error();
  if (server.sqlstate() == in_use || is_made_by_another(server.sqlstate())) error.fault = Fault::transient;
  return error;
}

}  // namespace

Result<DatabaseStatements> database_statements(Connection& source, const TargetTraits& target, const std::string& name,
                                               const Until& until) {
  const Rows row = TRY(source.query_row(properties_query(source.major_version()), {}, until));
  const Rows settings = TRY(source.query(settings_query, until));
  const Rows grants = TRY(source.query(grants_query, until));
  const Locale locale{row.str(0, 0), row.str(0, 1), row.str(0, 2), row.text(0, 3)[0], row.str(0, 4), row.str(0, 5)};
  DatabaseStatements result;
  const std::string options = create_options(locale, target.major());
  result.name = name;
  result.name_while_new = "_tributary_" + digest(name + '\0' + options).substr(0, 12);
  const std::string unnamed = quote_identifier(result.name_while_new);
  result.create = {
      {"database " + name, "CREATE DATABASE " + unnamed + options, false},
      {"comment of database " + name, "COMMENT ON DATABASE " + unnamed + " IS " + quote_literal(mark), false}};

  Describer describer(target, name);
  const std::string alter = "ALTER " + describer.object();
  if (row.integer(0, 7) != -1) describer.add("connection limit", alter + " CONNECTION LIMIT " + row.str(0, 7));
  if (row.boolean(0, 8)) describer.add("template flag", alter + " IS_TEMPLATE true");
  describer.settings(settings);
  describer.ownership(row.str(0, 6), row.boolean(0, 11) ? &grants : nullptr);
  describer.add("comment", "COMMENT ON " + describer.object() + " IS " +
                               (row.is_null(0, 9) ? "NULL" : quote_literal(row.text(0, 9))));
  result.findings = describer.take_findings();
  if (row.text(0, 10) != "pg_default") {
    result.findings.push_back(
        {api::Severity::warning, "TablespaceLeftOut", "database " + name,
         "it is in tablespace " + row.str(0, 10) + " on the source and in the default one on the target", ""});
  }
  result.describe = describer.take();
  return result;
}

Result<bool> database_exists(Connection& server, const std::string& name, const Until& until) {
  return TRY(server.query("SELECT FROM pg_catalog.pg_database WHERE datname = $1", {name}, until)).size() == 1;
}

Result<void> create_database(Connection& server, const DatabaseStatements& database, const Until& until) {
  TRY(create_unnamed(server, database, until));
  const Result<void> named = name_database(server, database, until);
  if (named && TRY(database_exists(server, database.name, until))) return {};
  if (!named) return within("naming database " + database.name + " on the target", named.error());
  return Error{Fault::transient, "target database " + database.name + " was dropped while it was created"};
}

Result<void> replace_database(Connection& server, const DatabaseStatements& database, const Until& until) {
  TRY(create_unnamed(server, database, until));
  const Result<void> dropped = server.execute("DROP DATABASE IF EXISTS " + quote_identifier(database.name), until);
  if (dropped) return create_database(server, database, until);
  Error error = within("dropping database " + database.name + " on the target", dropped.error());
  if (server.sqlstate() == in_use) error.fault = Fault::transient;
  // Should the clean-up fail as well, the next run takes up what is left: why the drop failed is the news.
  if (server.usable()) static_cast<void>(drop_unnamed(server, database, until));
  return error;
}

Result<bool> is_undescribed(Connection& inside, const Until& until) {
  const Rows row = TRY(inside.query_row(
      "SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database') = $1, false) FROM pg_catalog.pg_database "
      "WHERE datname = pg_catalog.current_database()",
      {mark}, until));
  return row.boolean(0, 0);
}

Result<std::vector<api::Finding>> describe_database(Connection& target, const DatabaseStatements& statements,
                                                    const Until& until) {
  std::vector<api::Finding> findings =
      TRY(carry_out(target, statements.describe, "DatabasePropertySkipped", is_refusal, until));
  findings.insert(findings.begin(), statements.findings.begin(), statements.findings.end());
  return findings;
}

}  // namespace tributary::postgres
