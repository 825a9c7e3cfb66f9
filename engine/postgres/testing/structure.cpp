#include "engine/postgres/testing/structure.h"

#include <algorithm>
#include <iterator>

#include "engine/testing/session.h"

namespace tributary::testbed {
namespace {

struct Fact {
  int since;  // the first major that has what it asks for
  const char* sql;
};

// Grants in a fixed order, the default spelt out.
#define ACL(acl, kind, owner)                                                                                  \
  "coalesce((SELECT string_agg(g::text, ',' ORDER BY g::text) FROM unnest(coalesce(" acl ", acldefault('" kind \
  "', " owner "))) g), '')"
#define USER_SCHEMA(oid)                                                                                     \
  oid " IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', " \
      "'_tributary'))"
#define NO_MEMBER(class, oid)                                                                      \
  "NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = '" class "'::regclass AND m.objid = " oid \
                                                                  " AND m.deptype = 'e')"

constexpr Fact facts[] = {
    {12, "SELECT 'schema', nspname, nspowner::regrole, " ACL(
             "nspacl", "n", "nspowner") " FROM pg_namespace WHERE " USER_SCHEMA("oid")},
    {12, "SELECT 'extension', extname, extversion, extnamespace::regnamespace FROM pg_extension"},
    {12,
     "SELECT 'relation', c.oid::regclass, c.relkind, c.relpersistence, c.relowner::regrole, "
     "(SELECT string_agg(g::text, ',' ORDER BY g::text) FROM unnest(coalesce(c.relacl, acldefault(CASE c.relkind WHEN "
     "'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner))) g), array_to_string(c.reloptions, ','), "
     "array_to_string(t.reloptions, ','), c.relreplident, c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, "
     "pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), c.reloftype::regtype, "
     "(SELECT amname FROM pg_am WHERE oid = c.relam), "
     "(SELECT string_agg(inhparent::regclass::text, ',' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid) "
     "FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid "
     "WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND " USER_SCHEMA("c.relnamespace") " AND " NO_MEMBER(
         "pg_class", "c.oid")},
    {12,
     "SELECT 'column', a.attrelid::regclass, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), a.attname, "
     "format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, "
     "a.attcollation::regcollation_text, "
     "a.attstorage, nullif(a.attstattarget, -1), array_to_string(a.attoptions, ','), array_to_string(a.attfdwoptions, "
     "','), "
     "a.attislocal, a.attinhcount, (SELECT string_agg(g::text, ',' ORDER BY g::text) FROM unnest(a.attacl) g), "
     "pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
     "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
     "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND " USER_SCHEMA(
         "c.relnamespace") " AND " NO_MEMBER("pg_class", "c.oid")},
    {14,
     "SELECT 'compression', a.attrelid::regclass, a.attname, a.attcompression FROM pg_attribute a JOIN pg_class c ON "
     "c.oid = a.attrelid "
     "WHERE a.attnum > 0 AND a.attcompression <> '' AND " USER_SCHEMA("c.relnamespace")},
    {12,
     "SELECT 'sequence', s.seqrelid::regclass, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, "
     "s.seqcache, "
     "s.seqcycle, (SELECT d.refobjid::regclass || '.' || a.attname || d.deptype::text FROM pg_depend d JOIN "
     "pg_attribute a "
     "ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.objid = s.seqrelid AND d.classid = "
     "'pg_class'::regclass "
     "AND d.deptype IN ('a', 'i')) FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE " USER_SCHEMA(
         "c.relnamespace")},
    {12,
     "SELECT 'index', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident, i.indisprimary, "
     "i.indimmediate, (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = i.indexrelid), "
     "(SELECT string_agg(attnum || '=' || attstattarget, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = "
     "i.indexrelid "
     "AND attstattarget >= 0) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE " USER_SCHEMA(
         "c.relnamespace")},
    // Names of keys that came with their parent's are left out: the server makes them up.
    {12,
     "SELECT 'constraint', CASE WHEN con.contype = 'f' AND con.conparentid <> 0 THEN '' ELSE con.conname END, "
     "con.conrelid::regclass, con.contypid::regtype, con.contype, pg_get_constraintdef(con.oid), con.convalidated, "
     "con.condeferrable, con.condeferred, con.contype IN ('c', 'n') AND con.connoinherit, con.conislocal, "
     "con.coninhcount, "
     "p.conrelid::regclass "
     "FROM pg_constraint con LEFT JOIN pg_constraint p ON p.oid = con.conparentid WHERE " USER_SCHEMA(
         "con.connamespace")},
    {12,
     "SELECT 'trigger', pg_get_triggerdef(t.oid), t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
     "WHERE NOT t.tgisinternal AND " USER_SCHEMA("c.relnamespace")},
    {12,
     "SELECT 'rule', pg_get_ruledef(r.oid), r.ev_enabled FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class "
     "WHERE r.rulename <> '_RETURN' AND " USER_SCHEMA("c.relnamespace")},
    {12,
     "SELECT 'view', c.oid::regclass, pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relkind IN ('v', 'm') "
     "AND " USER_SCHEMA("c.relnamespace")},
    {12,
     "SELECT 'policy', polname, polrelid::regclass, polcmd, polpermissive, "
     "(SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE r::regrole::text END, ',' ORDER BY r::regrole::text) FROM "
     "unnest(polroles) r), "
     "pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy"},
    {12,
     "SELECT 'statistics', pg_get_statisticsobjdef(oid), stxowner::regrole FROM pg_statistic_ext WHERE " USER_SCHEMA(
         "stxnamespace")},
    {12,
     "SELECT 'function', p.oid::regprocedure, p.prokind, p.proowner::regrole, " ACL(
         "p.proacl", "f", "p.proowner") ", "
                                        "CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END FROM pg_proc p "
                                        "WHERE " USER_SCHEMA("p.pronamespace") " AND " NO_MEMBER("pg_proc", "p.oid")},
    {12,
     "SELECT 'aggregate', a.aggfnoid::regprocedure, a.aggkind, a.aggtransfn, a.aggfinalfn, a.agginitval, "
     "a.aggtranstype::regtype, a.aggcombinefn FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid "
     "WHERE " USER_SCHEMA("p.pronamespace")},
    {12, "SELECT 'type', t.oid::regtype, t.typtype, t.typowner::regrole, " ACL(
             "t.typacl", "T",
             "t.typowner") ", t.typnotnull, "
                           "t.typbasetype::regtype, t.typdefault, t.typinput, t.typoutput, t.typlen, t.typstorage, "
                           "(SELECT string_agg(quote_literal(enumlabel), ',' ORDER BY enumsortorder) FROM pg_enum "
                           "WHERE enumtypid = t.oid), "
                           "(SELECT format('%s %s %s', rngsubtype::regtype, rngsubdiff, rngcanonical) FROM pg_range "
                           "WHERE rngtypid = t.oid) "
                           "FROM pg_type t WHERE " USER_SCHEMA("t.typnamespace") " AND " NO_MEMBER(
                               "pg_type", "t.oid") " AND " NO_MEMBER("pg_type", "t.typelem")},
    {12,
     "SELECT 'cast', castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext, castmethod FROM "
     "pg_cast c "
     "WHERE c.oid >= 16384 AND " NO_MEMBER("pg_cast", "c.oid")},
    {12,
     "SELECT 'operator', o.oid::regoperator, o.oprowner::regrole, o.oprcode, o.oprcom::regoperator, "
     "o.oprnegate::regoperator "
     "FROM pg_operator o WHERE " USER_SCHEMA("o.oprnamespace") " AND " NO_MEMBER("pg_operator", "o.oid")},
    {12,
     "SELECT 'operator class', o.opcname, o.opcnamespace::regnamespace, o.opcowner::regrole, o.opcintype::regtype, "
     "o.opcdefault, "
     "(SELECT string_agg(format('%s %s', amopstrategy, amopopr::regoperator), ',' ORDER BY amopstrategy) FROM pg_amop "
     "WHERE amopfamily = o.opcfamily), "
     "(SELECT string_agg(format('%s %s', amprocnum, amproc::regprocedure), ',' ORDER BY amprocnum) FROM pg_amproc "
     "WHERE amprocfamily = o.opcfamily) "
     "FROM pg_opclass o WHERE " USER_SCHEMA("o.opcnamespace") " AND " NO_MEMBER("pg_opclass", "o.oid")},
    {12,
     "SELECT 'collation', c.collname, c.collnamespace::regnamespace, c.collowner::regrole, c.collprovider, "
     "c.collisdeterministic, "
     "to_jsonb(c) ->> 'collcollate', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale') "
     "FROM pg_collation c WHERE " USER_SCHEMA("c.collnamespace")},
    {12,
     "SELECT 'text search configuration', c.oid::regconfig, c.cfgowner::regrole, c.cfgparser, "
     "(SELECT string_agg(format('%s %s %s', maptokentype, mapseqno, mapdict::regdictionary), ',' ORDER BY "
     "maptokentype, mapseqno) "
     "FROM pg_ts_config_map WHERE mapcfg = c.oid) FROM pg_ts_config c WHERE " USER_SCHEMA("c.cfgnamespace")},
    {12,
     "SELECT 'text search dictionary', d.oid::regdictionary, d.dictowner::regrole, d.dictinitoption FROM pg_ts_dict d "
     "WHERE " USER_SCHEMA("d.dictnamespace")},
    {12,
     "SELECT 'conversion', conname, connamespace::regnamespace, conowner::regrole, conproc, "
     "pg_encoding_to_char(conforencoding), pg_encoding_to_char(contoencoding), condefault FROM pg_conversion c "
     "WHERE " USER_SCHEMA("connamespace")},
    {12,
     "SELECT 'operator family', opfname, opfnamespace::regnamespace, opfowner::regrole, (SELECT amname FROM pg_am "
     "WHERE "
     "oid = opfmethod) FROM pg_opfamily f WHERE " USER_SCHEMA("opfnamespace") " AND " NO_MEMBER("pg_opfamily",
                                                                                                "f.oid")},
    {12,
     "SELECT 'text search parser', prsname, prsnamespace::regnamespace, prsstart, prstoken, prsend, prslextype FROM "
     "pg_ts_parser WHERE " USER_SCHEMA("prsnamespace")},
    {12,
     "SELECT 'text search template', tmplname, tmplnamespace::regnamespace, tmplinit, tmpllexize FROM pg_ts_template "
     "WHERE " USER_SCHEMA("tmplnamespace")},
    {12, "SELECT 'access method', amname, amhandler, amtype FROM pg_am a WHERE a.oid >= 16384"},
    {12,
     "SELECT 'language', lanname, lanowner::regrole, lanpltrusted, lanplcallfoid::regproc FROM pg_language WHERE oid "
     ">= "
     "16384"},
    {12, "SELECT 'wrapper', fdwname, fdwowner::regrole, fdwhandler, fdwoptions FROM pg_foreign_data_wrapper"},
    {12, "SELECT 'server', srvname, srvowner::regrole, srvtype, srvversion, srvoptions, " ACL(
             "srvacl", "S", "srvowner") " FROM pg_foreign_server"},
    {12,
     "SELECT 'user mapping', umuser::regrole, umserver, umoptions FROM (SELECT umuser, (SELECT srvname FROM "
     "pg_foreign_server s "
     "WHERE s.oid = m.umserver) AS umserver, umoptions FROM pg_user_mapping m) m"},
    {12, "SELECT 'foreign table', ftrelid::regclass, ftoptions FROM pg_foreign_table"},
    {12,
     "SELECT 'event trigger', evtname, evtevent, evtowner::regrole, evtfoid::regprocedure, evtenabled, evttags FROM "
     "pg_event_trigger"},
    {12,
     "SELECT 'default privileges', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, "
     "(SELECT string_agg(g::text, ',' ORDER BY g::text) FROM unnest(defaclacl) g) FROM pg_default_acl"},
    {12,
     "SELECT 'comment', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description FROM pg_description d "
     "WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass) AND d.classoid <> 'pg_largeobject'::regclass "
     "AND d.classoid <> 'pg_publication'::regclass AND d.objoid IS DISTINCT FROM to_regnamespace('_tributary') "
     "AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = "
     "d.classoid "
     "AND m.objid = d.objoid AND m.deptype = 'e')"},
};

std::string line_of(const Row& row) {
  std::string line;
  for (const auto& field : row) {
    if (!line.empty()) line += " | ";
    line += field.value_or("NULL");
  }
  return line;
}

// There is no regcollation before 13.
std::string spelt(std::string sql) {
  static const std::string word = "a.attcollation::regcollation_text";
  const auto at = sql.find(word);
  if (at == std::string::npos) return sql;
  return sql.replace(
      at, word.size(),
      "(SELECT collnamespace::regnamespace || '.' || collname FROM pg_collation WHERE oid = a.attcollation)");
}

}  // namespace

std::vector<std::string> structure(const std::string& uri) {
  Session session(uri);
  // With pg_catalog alone every name of ours is spelt with its schema.
  session.exec("SET search_path = pg_catalog");
  const int major = std::stoi(session.scalar("SHOW server_version_num")) / 10000;
  std::vector<std::string> lines;
  for (const Fact& fact : facts) {
    if (major < fact.since) continue;
    for (const Row& row : session.query(spelt(fact.sql))) lines.push_back(line_of(row));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string difference(const std::vector<std::string>& wanted, const std::vector<std::string>& got) {
  std::string text;
  std::vector<std::string> only;
  std::set_difference(wanted.begin(), wanted.end(), got.begin(), got.end(), std::back_inserter(only));
  for (const std::string& line : only) text += "- " + line + "\n";
  only.clear();
  std::set_difference(got.begin(), got.end(), wanted.begin(), wanted.end(), std::back_inserter(only));
  for (const std::string& line : only) text += "+ " + line + "\n";
  return text;
}

}  // namespace tributary::testbed
