#include <utility>

#include "engine/postgres/structure/options.h"
#include "engine/postgres/structure/queries.h"

// What is neither a relation nor about types. Rows of these queries are described in queries.h.
namespace tributary::postgres::structure {
namespace {

// A detail since then is compared by nobody.
constexpr int no_major = 1'000;

std::string schemas() {
  return "SELECT 'schema', NULL, o.nspname, NULL, NULL, NULL, 'schema', 'schema', 'schema', NULL, 0,  "
         "pg_get_userbyid(o.nspowner), " +
         grants_of("o.nspacl", 'n', "o.nspowner") + ", " + comment_of("pg_namespace", "o.oid") +
         " FROM pg_namespace o WHERE " + in_user_schema("o.nspname") + " AND " + is_no_member("pg_namespace", "o");
}

std::string extensions() {
  return "SELECT 'extension', NULL, o.extname, NULL, NULL, NULL, 'extension', 'extension', format('VERSION %s SCHEMA "
         "%I',"
         " o.extversion, n.nspname), NULL, 0, NULL, NULL, " +
         comment_of("pg_extension", "o.oid") + " FROM pg_extension o JOIN pg_namespace n ON n.oid = o.extnamespace";
}

std::string languages() {
  return "SELECT 'language', NULL, o.lanname, NULL, NULL, NULL, 'language', 'language', concat_ws(' ',"
         " CASE WHEN o.lanpltrusted THEN 'TRUSTED' END, 'HANDLER', o.lanplcallfoid::regproc, 'INLINE', "
         "o.laninline::regproc,"
         " 'VALIDATOR', o.lanvalidator::regproc), NULL, 0, pg_get_userbyid(o.lanowner), " +
         grants_of("o.lanacl", 'l', "o.lanowner") + ", " + comment_of("pg_language", "o.oid") +
         " FROM pg_language o WHERE " + made_by_users("o.oid") + " AND " + is_no_member("pg_language", "o");
}

std::string access_methods() {
  return "SELECT 'access method', NULL, o.amname, NULL, NULL, NULL, 'access method', 'access method',"
         " format('TYPE %s HANDLER %s', o.amtype, o.amhandler), NULL, 0, NULL, NULL, " +
         comment_of("pg_am", "o.oid") + " FROM pg_am o WHERE " + made_by_users("o.oid") + " AND " +
         is_no_member("pg_am", "o");
}

std::string configurations() {
  return "SELECT 'text search configuration', n.nspname, o.cfgname, NULL, NULL, NULL, 'text search configuration',"
         " 'text search configuration', concat_ws(', ', (SELECT format('PARSER %I.%I', m.nspname, p.prsname)"
         "  FROM pg_ts_parser p JOIN pg_namespace m ON m.oid = p.prsnamespace WHERE p.oid = o.cfgparser),"
         " (SELECT string_agg(format('%s WITH %s', m.maptokentype, m.mapdict::regdictionary), ', '"
         "  ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = o.oid)), NULL, 0,"
         " pg_get_userbyid(o.cfgowner), NULL, " +
         comment_of("pg_ts_config", "o.oid") + from("pg_ts_config", "cfgnamespace") + of_users("pg_ts_config");
}

std::string dictionaries() {
  return "SELECT 'text search dictionary', n.nspname, o.dictname, NULL, NULL, NULL, 'text search dictionary',"
         " 'text search dictionary', (SELECT format('TEMPLATE %I.%I', m.nspname, t.tmplname) FROM pg_ts_template t"
         "  JOIN pg_namespace m ON m.oid = t.tmplnamespace WHERE t.oid = o.dicttemplate) ||"
         " coalesce(' ' || o.dictinitoption, ''), NULL, 0, pg_get_userbyid(o.dictowner), NULL, " +
         comment_of("pg_ts_dict", "o.oid") + from("pg_ts_dict", "dictnamespace") + of_users("pg_ts_dict");
}

std::string parsers() {
  return "SELECT 'text search parser', n.nspname, o.prsname, NULL, NULL, NULL, 'text search parser', 'text search "
         "parser',"
         " concat_ws(' ', 'START', o.prsstart, 'GETTOKEN', o.prstoken, 'END', o.prsend, 'HEADLINE', o.prsheadline, "
         "'LEXTYPES',"
         " o.prslextype), NULL, 0, NULL, NULL, " +
         comment_of("pg_ts_parser", "o.oid") + from("pg_ts_parser", "prsnamespace") + of_users("pg_ts_parser");
}

std::string templates() {
  return "SELECT 'text search template', n.nspname, o.tmplname, NULL, NULL, NULL, 'text search template',"
         " 'text search template', concat_ws(' ', 'INIT', o.tmplinit, 'LEXIZE', o.tmpllexize), NULL, 0, NULL, NULL, " +
         comment_of("pg_ts_template", "o.oid") + from("pg_ts_template", "tmplnamespace") + of_users("pg_ts_template");
}

std::string wrappers() {
  return "SELECT 'foreign data wrapper', NULL, o.fdwname, NULL, NULL, NULL, 'foreign data wrapper', 'foreign data "
         "wrapper',"
         " concat_ws(' ', 'HANDLER', o.fdwhandler::regproc, 'VALIDATOR', o.fdwvalidator::regproc,"
         " 'OPTIONS (' || " +
         options_of("o.fdwoptions") + " || ')'), NULL, 0, pg_get_userbyid(o.fdwowner), " +
         grants_of("o.fdwacl", 'F', "o.fdwowner") + ", " + comment_of("pg_foreign_data_wrapper", "o.oid") +
         " FROM pg_foreign_data_wrapper o WHERE " + is_no_member("pg_foreign_data_wrapper", "o");
}

std::string servers() {
  return "SELECT 'server', NULL, o.srvname, NULL, NULL, NULL, 'server', 'server', concat_ws(' ',"
         " 'TYPE ' || quote_literal(o.srvtype), 'VERSION ' || quote_literal(o.srvversion), format('WRAPPER %I', "
         "w.fdwname),"
         " 'OPTIONS (' || " +
         options_of("o.srvoptions") + " || ')'), NULL, 0, pg_get_userbyid(o.srvowner), " +
         grants_of("o.srvacl", 'S', "o.srvowner") + ", " + comment_of("pg_foreign_server", "o.oid") +
         " FROM pg_foreign_server o JOIN pg_foreign_data_wrapper w ON w.oid = o.srvfdw WHERE " +
         is_no_member("pg_foreign_server", "o");
}

// Compared where both roles may read the options, which pg_user_mappings shows to the role itself, for PUBLIC to the
// server's owner, and to superusers.
std::string user_mappings() {
  return "SELECT 'user mapping', NULL, NULL, NULL, format('%I for %I', o.srvname, o.usename), NULL, 'user mapping',"
         " 'user mapping', 'user mapping', 'OPTIONS (' || " +
         options_of("o.umoptions", true) +
         " || ')', CASE WHEN pg_has_role(s.srvowner, 'USAGE') AND o.umuser = 0 OR o.usename = current_user AND"
         " (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE'))"
         " OR (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN 0 ELSE " +
         std::to_string(no_major) +
         " END, NULL, NULL, NULL FROM pg_user_mappings o JOIN pg_foreign_server s ON s.oid = o.srvid";
}

std::string event_triggers() {
  return "SELECT 'event trigger', NULL, o.evtname, NULL, NULL, NULL, 'event trigger', 'event trigger', concat_ws(' ',"
         " 'ON', o.evtevent, 'WHEN TAG IN (' || array_to_string(o.evttags, ', ') || ')', 'EXECUTE FUNCTION',"
         " o.evtfoid::regproc, CASE o.evtenabled WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN"
         " 'ENABLE ALWAYS' END), NULL, 0, pg_get_userbyid(o.evtowner), NULL, " +
         comment_of("pg_event_trigger", "o.oid") + " FROM pg_event_trigger o WHERE " +
         is_no_member("pg_event_trigger", "o");
}

std::string default_privileges() {
  return "SELECT 'default privileges', NULL, NULL, NULL, concat_ws(' ', 'for', "
         "quote_ident(pg_get_userbyid(o.defaclrole)),"
         " 'in ' || (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = o.defaclnamespace), 'on',"
         " CASE o.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' "
         "THEN 'types'"
         "  WHEN 'n' THEN 'schemas' ELSE 'large objects' END), NULL, 'default privileges', 'default privileges',"
         " 'default privileges', NULL, 0, NULL, " +
         grants_of("o.defaclacl", '\0', "o.defaclrole") + ", NULL FROM pg_default_acl o";
}

}  // namespace

std::string from(const std::string& catalog, const std::string& namespace_column) {
  return " FROM " + catalog + " o JOIN pg_namespace n ON n.oid = o." + namespace_column;
}

std::string of_users(const std::string& catalog) {
  return " WHERE " + in_user_schema("n.nspname") + " AND " + is_no_member(catalog, "o");
}

std::string is_no_member(const std::string& catalog, const std::string& alias) {
  return "NOT EXISTS (SELECT FROM pg_depend mine WHERE mine.classid = '" + catalog +
         "'::regclass AND mine.objid = " + alias + ".oid AND mine.deptype = 'e')";
}

std::string is_nobodys_part(const std::string& catalog, const std::string& alias) {
  return "NOT EXISTS (SELECT FROM pg_depend mine WHERE mine.classid = '" + catalog +
         "'::regclass AND mine.objid = " + alias + ".oid AND mine.deptype IN ('e', 'i'))";
}

std::string in_user_schema(const std::string& column) {
  return "(" + column + " !~ '^pg_' AND " + column + " NOT IN ('information_schema', '_tributary'))";
}

std::string made_by_users(const std::string& oid) {
  return oid + " >= 16384";
}

std::string grants_of(const std::string& acl, char kind, const std::string& owner) {
  const std::string given =
      kind == '\0' ? acl : "coalesce(" + acl + ", acldefault('" + std::string(1, kind) + "', " + owner + "))";
  return "(SELECT array_agg(given.privilege_type || CASE WHEN given.is_grantable THEN '* ' ELSE ' ' END ||"
         " CASE given.grantee WHEN 0 THEN 'public' WHEN " +
         owner + " THEN 'owner' ELSE 'role ' || pg_get_userbyid(given.grantee) END) FROM aclexplode(" + given +
         ") given)";
}

std::string comment_of(const std::string& catalog, const std::string& oid, const std::string& column) {
  return "(SELECT said.description FROM pg_description said WHERE said.objoid = " + oid + " AND said.classoid = '" +
         catalog + "'::regclass AND said.objsubid = " + column + ")";
}

std::vector<Query> object_queries() {
  std::vector<Query> queries;
  for (std::string& sql : std::vector<std::string>{schemas(), extensions(), languages(), access_methods(),
                                                   configurations(), dictionaries(), parsers(), templates(), wrappers(),
                                                   servers(), user_mappings(), event_triggers(), default_privileges()})
    queries.push_back({Shape::things, std::move(sql)});
  return queries;
}

}  // namespace tributary::postgres::structure
