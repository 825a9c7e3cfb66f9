#pragma once

#include <cstdint>

#include "engine/base/result.h"
#include "engine/model/change.h"
#include "engine/postgres/pgoutput/message.h"
#include "engine/postgres/pgoutput/relations.h"

namespace tributary::postgres::pgoutput {

// Turns what lies between the begin and the commit of a transaction into events. Fault::failed: a change of a table
// that was never described, or not of the shape that was. A description takes effect; types, origins and logical
// messages have none. For one thread.
class Changes {
 public:
  // `arrival` as Relations wants it.
  Result<void> add(const Message& message, std::uint64_t arrival, model::Batch& batch);

  Relations& relations() { return relations_; }

 private:
  Result<void> insert(const Insert& insert, model::Batch& batch) const;
  Result<void> update(const Update& update, model::Batch& batch) const;
  Result<void> remove(const Delete& removed, model::Batch& batch) const;
  Result<void> truncate(const Truncate& truncate, model::Batch& batch) const;

  Relations relations_;
};

}  // namespace tributary::postgres::pgoutput
