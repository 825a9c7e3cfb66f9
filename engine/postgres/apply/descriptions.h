#pragma once

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/change.h"

namespace tributary::postgres::apply {

// The log's descriptions of tables and the values of their types, held against what the ledger and the target know of
// them. Used by the applier's thread.
class Descriptions {
 public:
  virtual ~Descriptions() = default;
  // Whether the target's table was brought to this description.
  virtual bool fits(const model::LogTable& log) const = 0;
  // Asks the source what has become of the table, where it does not. Afterwards it fits, or is not followed any more.
  // Called while no transaction of the applier is open; its list of tables may be old after it.
  virtual Result<void> look_into(const model::LogTable& log, const Until& until) = 0;
  // Asks the source for values that its types have got since, after the target has refused one. True where the change
  // is to be tried again, with the list of tables as it is then. Called as look_into().
  virtual Result<bool> learn_values(const Until& until) = 0;
};

}  // namespace tributary::postgres::apply
