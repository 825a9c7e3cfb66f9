#pragma once

#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "operator/api/status.h"

// Conditions after the rules of the API conventions and of kstatus: `Reconciling` and `Stalled` are there only while
// they are true, `Ready` always; the transition time moves only when the status word does.
namespace tributary::v1alpha1 {

namespace condition {
inline constexpr const char* ready = "Ready";
inline constexpr const char* reconciling = "Reconciling";
inline constexpr const char* stalled = "Stalled";
inline constexpr const char* validated = "Validated";
inline constexpr const char* snapshot_complete = "SnapshotComplete";
inline constexpr const char* synced = "Synced";
inline constexpr const char* verified = "Verified";
inline constexpr const char* credentials_synced = "CredentialsSynced";
inline constexpr const char* source_released = "SourceReleased";       // only where that is wanted
inline constexpr const char* wal_limit_exceeded = "WALLimitExceeded";  // only where there is a limit

inline constexpr const char* not_looked_at = "Pending";  // the reason of a condition at first
}  // namespace condition

// One line of at most this many bytes; a longer message is cut at a character.
inline constexpr std::size_t longest_message = 1024;

const Condition* find_condition(const Status& status, std::string_view type);
bool is_true(const Status& status, std::string_view type);

// Adds or changes one condition; `observed_generation` is the status's own.
void set_condition(Status& status, const std::string& type, Truth truth, const std::string& reason,
                   const std::string& message, WallTime now);
void remove_condition(Status& status, std::string_view type);

// How things stand, from which Ready, Reconciling, Stalled and the phase follow together.
enum class Standing {
  met,          // Ready True
  progressing,  // Ready False, Reconciling True
  unknown,      // Ready Unknown, Reconciling True
  suspended,    // Ready False and nothing else: a person asked for it
  stalled,      // Ready False, Stalled True: a person must act
};

struct Verdict {
  Standing standing = Standing::progressing;
  Phase phase = Phase::pending;
  std::string reason = {};
  std::string message = {};
};

void conclude(Status& status, const Verdict& verdict, WallTime now);

}  // namespace tributary::v1alpha1
