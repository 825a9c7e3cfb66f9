#pragma once

#include <optional>
#include <string>

#include "engine/api/progress.h"
#include "operator/api/conditions.h"
#include "operator/replication/observed.h"

// The tables of a stream that do not follow, and those that spec.recopy has copied again: from what the engine says to
// what status says. All pure.
namespace tributary::replication {

// A table as spec.recopy.tables names it, cut to what a status has room for. `table`: as the engine writes it.
std::string entry_of(const std::string& database, const std::string& table);

// Takes over which tables do not follow. Databases whose ledger the engine has not read yet leave all as it was.
void set_tables(v1alpha1::Status& status, const api::Progress& progress);

// Where spec.recopy asks for something that status does not know of, or not any more.
void open_recopy(v1alpha1::Status& status, const v1alpha1::Spec& spec, WallTime now);
// What the engine has done of it. An end stands, whatever becomes of the tables later.
void set_recopy(v1alpha1::Status& status, const api::Progress& progress, WallTime now);

// Why a stream that follows does not keep its promise all the same; nothing where it does.
std::optional<v1alpha1::Verdict> verdict_of_tables(const api::Progress& progress, const v1alpha1::Status& status,
                                                   const v1alpha1::Spec& spec);

// Adds to a message that some tables are not streamed.
void add_not_streamed(const v1alpha1::Status& status, std::string& message);

}  // namespace tributary::replication
