#include "engine/postgres/structure/queries.h"

// Types and what works on them. Rows of these queries are described in queries.h.
namespace tributary::postgres::structure {
namespace {

// What every thing of a schema has in common: FROM catalog AS o, with its namespace n.
std::string constraints_of_domain() {
  return "(SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' ' ORDER BY "
         "k.conname)"
         " FROM pg_constraint k WHERE k.contypid = o.oid AND k.contype = 'c')";
}

std::string collation_of(const std::string& oid) {
  return "(SELECT format('COLLATE %I.%I', m.nspname, c.collname) FROM pg_collation c"
         " JOIN pg_namespace m ON m.oid = c.collnamespace WHERE c.oid = " +
         oid + ")";
}

// Ranges have a multirange with a name of its own since 14. Arrays, multiranges and the rows of tables are nobody's
// own.
std::string types(int major) {
  const std::string multirange =
      major >= 14 ? "(SELECT 'MULTIRANGE ' || r.rngmultitypid::regtype FROM pg_range r WHERE r.rngtypid = o.oid)"
                  : "NULL";
  return "SELECT 'type', n.nspname, o.typname, NULL, NULL, NULL, k.kind, k.kind, CASE o.typtype"
         " WHEN 'e' THEN (SELECT 'ENUM (' || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) || "
         "')'"
         "  FROM pg_enum e WHERE e.enumtypid = o.oid)"
         " WHEN 'd' THEN concat_ws(' ', format_type(o.typbasetype, o.typtypmod), CASE WHEN o.typcollation <>"
         "  (SELECT b.typcollation FROM pg_type b WHERE b.oid = o.typbasetype) THEN " +
         collation_of("o.typcollation") +
         " END,"
         "  'DEFAULT ' || pg_get_expr(o.typdefaultbin, 0), CASE WHEN o.typnotnull THEN 'NOT NULL' END, " +
         constraints_of_domain() +
         ")"
         " WHEN 'c' THEN (SELECT '(' || string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, "
         "a.atttypmod),"
         "   CASE WHEN a.attcollation <> t.typcollation THEN " +
         collation_of("a.attcollation") +
         " END), ', ' ORDER BY a.attnum)"
         "  || ')' FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
         "  WHERE a.attrelid = o.typrelid AND a.attnum > 0 AND NOT a.attisdropped)"
         " WHEN 'r' THEN (SELECT concat_ws(' ', 'RANGE OF', r.rngsubtype::regtype, " +
         collation_of("r.rngcollation") +
         ",  'DIFF ' || nullif(r.rngsubdiff, 0)::regproc, 'CANONICAL ' || nullif(r.rngcanonical, 0)::regproc)"
         "  FROM pg_range r WHERE r.rngtypid = o.oid)"
         " ELSE concat_ws(' ', 'INPUT', o.typinput, 'OUTPUT', o.typoutput, 'RECEIVE', o.typreceive, 'SEND', o.typsend,"
         "  'LENGTH', o.typlen, 'ALIGN', o.typalign, 'STORAGE', o.typstorage, 'CATEGORY', o.typcategory,"
         "  'DEFAULT ' || o.typdefault) END, " +
         multirange + ", 14, pg_get_userbyid(o.typowner), " + grants_of("o.typacl", 'T', "o.typowner") + ", " +
         comment_of("pg_type", "o.oid") + from("pg_type", "typnamespace") +
         " CROSS JOIN LATERAL (SELECT CASE o.typtype WHEN 'e' THEN 'enum type' WHEN 'd' THEN 'domain'"
         "  WHEN 'c' THEN 'composite type' WHEN 'r' THEN 'range type' WHEN 'p' THEN 'shell type' ELSE 'base type' END)"
         " AS k (kind)" +
         of_users("pg_type") +
         " AND o.typtype <> 'm'"
         " AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = o.typelem AND e.typarray = o.oid)"
         " AND (o.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = o.typrelid AND c.relkind = 'c'))";
}

std::string functions() {
  return "SELECT 'function', NULL, NULL, NULL, o.oid::regprocedure, NULL, k.kind, k.kind, pg_get_functiondef(o.oid), "
         "NULL, 0,"
         " pg_get_userbyid(o.proowner), " +
         grants_of("o.proacl", 'f', "o.proowner") + ", " + comment_of("pg_proc", "o.oid") +
         from("pg_proc", "pronamespace") +
         " CROSS JOIN LATERAL (SELECT CASE o.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END) AS k (kind)" +
         " WHERE " + in_user_schema("n.nspname") + " AND " + is_nobodys_part("pg_proc", "o") + " AND o.prokind <> 'a'";
}

std::string aggregates() {
  return "SELECT 'function', NULL, NULL, NULL, o.oid::regprocedure, NULL, 'aggregate', 'aggregate', concat_ws(' ',"
         " pg_get_function_arguments(o.oid), 'RETURNS', pg_get_function_result(o.oid), 'KIND', g.aggkind, "
         "g.aggnumdirectargs,"
         " 'SFUNC', g.aggtransfn, 'STYPE', g.aggtranstype::regtype, 'SSPACE', g.aggtransspace,"
         " 'FINALFUNC', g.aggfinalfn, g.aggfinalextra, g.aggfinalmodify, 'COMBINEFUNC', g.aggcombinefn,"
         " 'SERIALFUNC', g.aggserialfn, 'DESERIALFUNC', g.aggdeserialfn, 'INITCOND ' || quote_literal(g.agginitval),"
         " 'MSFUNC', g.aggmtransfn, 'MINVFUNC', g.aggminvtransfn, 'MSTYPE', g.aggmtranstype::regtype, 'MSSPACE', "
         "g.aggmtransspace,"
         " 'MFINALFUNC', g.aggmfinalfn, g.aggmfinalextra, g.aggmfinalmodify, 'MINITCOND ' || "
         "quote_literal(g.aggminitval),"
         " 'SORTOP', g.aggsortop::regoperator, 'PARALLEL', o.proparallel), NULL, 0, pg_get_userbyid(o.proowner), " +
         grants_of("o.proacl", 'f', "o.proowner") + ", " + comment_of("pg_proc", "o.oid") +
         from("pg_proc", "pronamespace") + " JOIN pg_aggregate g ON g.aggfnoid = o.oid" + of_users("pg_proc");
}

std::string operators() {
  return "SELECT 'operator', NULL, NULL, NULL, o.oid::regoperator, NULL, 'operator', 'operator', concat_ws(' ',"
         " 'FUNCTION', o.oprcode, 'RETURNS', o.oprresult::regtype, 'COMMUTATOR', o.oprcom::regoperator, 'NEGATOR',"
         " o.oprnegate::regoperator, 'RESTRICT', o.oprrest, 'JOIN', o.oprjoin, CASE WHEN o.oprcanhash THEN 'HASHES' "
         "END,"
         " CASE WHEN o.oprcanmerge THEN 'MERGES' END), NULL, 0, pg_get_userbyid(o.oprowner), NULL, " +
         comment_of("pg_operator", "o.oid") + from("pg_operator", "oprnamespace") + of_users("pg_operator");
}

std::string operator_families() {
  return "SELECT 'operator family', n.nspname, o.opfname, NULL, format(' USING %I', m.amname), NULL, 'operator family',"
         " 'operator family', concat_ws(', ', 'USING ' || m.amname,"
         "  (SELECT string_agg(format('OPERATOR %s %s', p.amopstrategy, p.amopopr::regoperator), ', '"
         "    ORDER BY p.amopstrategy, p.amopopr::regoperator::text) FROM pg_amop p WHERE p.amopfamily = o.oid),"
         "  (SELECT string_agg(format('FUNCTION %s (%s, %s) %s', p.amprocnum, p.amproclefttype::regtype,"
         "    p.amprocrighttype::regtype, p.amproc::regprocedure), ', ' ORDER BY p.amprocnum, "
         "p.amproc::regprocedure::text)"
         "    FROM pg_amproc p WHERE p.amprocfamily = o.oid)), NULL, 0, pg_get_userbyid(o.opfowner), NULL, " +
         comment_of("pg_opfamily", "o.oid") + from("pg_opfamily", "opfnamespace") +
         " JOIN pg_am m ON m.oid = o.opfmethod" + of_users("pg_opfamily");
}

std::string operator_classes() {
  return "SELECT 'operator class', n.nspname, o.opcname, NULL, format(' USING %I', m.amname), NULL, 'operator class',"
         " 'operator class', concat_ws(' ', CASE WHEN o.opcdefault THEN 'DEFAULT' END, 'FOR TYPE', "
         "o.opcintype::regtype,"
         "  (SELECT format('FAMILY %I.%I', q.nspname, f.opfname) FROM pg_opfamily f JOIN pg_namespace q"
         "   ON q.oid = f.opfnamespace WHERE f.oid = o.opcfamily), 'STORAGE ' || nullif(o.opckeytype, 0)::regtype), "
         "NULL, 0,"
         " pg_get_userbyid(o.opcowner), NULL, " +
         comment_of("pg_opclass", "o.oid") + from("pg_opclass", "opcnamespace") +
         " JOIN pg_am m ON m.oid = o.opcmethod" + of_users("pg_opclass");
}

std::string casts() {
  return "SELECT 'cast', NULL, NULL, NULL, format('(%s AS %s)', o.castsource::regtype, o.casttarget::regtype), NULL, "
         "'cast',"
         " 'cast', concat_ws(' ', CASE o.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || o.castfunc::regprocedure"
         "  WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END, CASE o.castcontext WHEN 'a' THEN 'AS ASSIGNMENT'"
         "  WHEN 'i' THEN 'AS IMPLICIT' END), NULL, 0, NULL, NULL, " +
         comment_of("pg_cast", "o.oid") + " FROM pg_cast o WHERE " + made_by_users("o.oid") + " AND " +
         is_nobodys_part("pg_cast", "o");
}

std::string transforms() {
  return "SELECT 'transform', NULL, NULL, NULL, format('for %s language %I', o.trftype::regtype, l.lanname), NULL,"
         " 'transform', 'transform', concat_ws(' ', 'FROM SQL', o.trffromsql, 'TO SQL', o.trftosql), NULL, 0, NULL, "
         "NULL, " +
         comment_of("pg_transform", "o.oid") + " FROM pg_transform o JOIN pg_language l ON l.oid = o.trflang WHERE " +
         is_no_member("pg_transform", "o");
}

// The column of a locale that is none of the C library's was another one in 12 to 14 and in 15 and 16.
std::string collations() {
  return "SELECT 'collation', n.nspname, o.collname, NULL, NULL, NULL, 'collation', 'collation', concat_ws(' ',"
         " 'PROVIDER', o.collprovider, 'LOCALE', coalesce(to_jsonb(o) ->> 'colllocale', to_jsonb(o) ->> "
         "'colliculocale',"
         "  to_jsonb(o) ->> 'collcollate'), CASE WHEN o.collprovider = 'c' THEN 'LC_CTYPE ' || o.collctype::text END,"
         " CASE WHEN NOT o.collisdeterministic THEN 'NOT DETERMINISTIC' END, 'RULES ' ||"
         "  (to_jsonb(o) ->> 'collicurules')), NULL, 0, pg_get_userbyid(o.collowner), NULL, " +
         comment_of("pg_collation", "o.oid") + from("pg_collation", "collnamespace") + of_users("pg_collation");
}

std::string conversions() {
  return "SELECT 'conversion', n.nspname, o.conname, NULL, NULL, NULL, 'conversion', 'conversion', concat_ws(' ',"
         " CASE WHEN o.condefault THEN 'DEFAULT' END, 'FOR', pg_encoding_to_char(o.conforencoding), 'TO',"
         " pg_encoding_to_char(o.contoencoding), 'FROM', o.conproc), NULL, 0, pg_get_userbyid(o.conowner), NULL, " +
         comment_of("pg_conversion", "o.oid") + from("pg_conversion", "connamespace") + of_users("pg_conversion");
}

}  // namespace

std::vector<Query> type_queries(int major) {
  std::vector<Query> queries;
  for (std::string& sql :
       std::vector<std::string>{types(major), functions(), aggregates(), operators(), operator_families(),
                                operator_classes(), casts(), transforms(), collations(), conversions()})
    queries.push_back({Shape::things, std::move(sql)});
  return queries;
}

}  // namespace tributary::postgres::structure
