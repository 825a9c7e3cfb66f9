#pragma once

#include <map>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/pipeline/source.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres::sync {

// Sets the sequences that a replication made or feeds to where the source's are, those alone that have moved since it
// did so last: for one target, as long as that loses nothing of it. Sequences are not transactional: the target's are
// never behind the rows that were applied before.
class SequenceCarrier {
 public:
  Result<void> carry(Connection& source, Connection& target, const Owner& owner, const Until& until);

 private:
  std::map<model::Name, pipeline::SequenceValue> carried_;
};

}  // namespace tributary::postgres::sync
