#include "engine/postgres/structure/options.h"

namespace tributary::postgres::structure {
namespace {

constexpr char begin_mark = '\x01';
constexpr char end_mark = '\x02';
constexpr const char* told_instead = "(concealed)";

// Where something is, how much of it is fetched and what it is worth to the planner.
constexpr const char* harmless =
    "'{analyze_sampling,application_name,async_capable,batch_size,client_encoding,column_name,connect_timeout,dbname,"
    "delimiter,encoding,extensions,fdw_startup_cost,fdw_tuple_cost,fetch_size,filename,format,header,host,hostaddr,"
    "keep_connections,keepalives,keepalives_count,keepalives_idle,keepalives_interval,null,parallel_abort,"
    "parallel_commit,path,port,schema,schema_name,sslmode,table,table_name,target_session_attrs,truncatable,updatable,"
    "use_remote_estimate}'";

}  // namespace

std::string options_of(const std::string& array, bool all) {
  const std::string name = "split_part(given.option, '=', 1)";
  const std::string value = "substr(given.option, strpos(given.option, '=') + 1)";
  const std::string concealed = name + " || '=' || chr(1) || translate(" + value + ", chr(1) || chr(2), '') || chr(2)";
  return "(SELECT string_agg(" +
         (all ? concealed
              : "CASE WHEN " + name + " = ANY (" + harmless +
                    "::text[]) THEN translate(given.option, chr(1) || chr(2), '') "
                    "ELSE " +
                    concealed + " END") +
         ", ', ' ORDER BY given.place) FROM unnest(" + array + ") WITH ORDINALITY AS given (option, place))";
}

std::string without_secrets(const std::string& definition) {
  std::string told;
  for (std::size_t at = 0; at < definition.size();) {
    const std::size_t begin = definition.find(begin_mark, at);
    told += definition.substr(at, begin - at);
    if (begin == std::string::npos) break;
    told += told_instead;
    const std::size_t end = definition.find(end_mark, begin);
    at = end == std::string::npos ? definition.size() : end + 1;
  }
  return told;
}

}  // namespace tributary::postgres::structure
