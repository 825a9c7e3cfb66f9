#include "operator/replication/narrate.h"

#include "engine/base/log.h"
#include "operator/api/conditions.h"

namespace tributary::replication {
namespace {

struct Words {
  const char* operator()(const AddFinalizer&) const { return "add finalizer"; }
  const char* operator()(const RemoveFinalizer&) const { return "remove finalizer"; }
  const char* operator()(const ApplyConfigMap&) const { return "apply config map"; }
  const char* operator()(const RestoreConfigMap&) const { return "restore config map"; }
  const char* operator()(const CreateJob&) const { return "create job"; }
  const char* operator()(const DeleteJob&) const { return "delete job"; }
  const char* operator()(const ApplyDeployment&) const { return "apply deployment"; }
  const char* operator()(const DeleteDeployment&) const { return "delete deployment"; }
  const char* operator()(const OrderRelease&) const { return "order release"; }
  const char* operator()(const Announce&) const { return "announce"; }
};

std::string word_of(const std::optional<Voice>& voice) {
  if (!voice) return "none";
  return voice->progress ? api::word_of(voice->progress->phase) : "silent";
}

}  // namespace

std::string summary_of(const Observed& seen) {
  const auto count = [](const char* what, std::size_t number) {
    return number == 0 ? "" : std::string(" ") + what + "=" + std::to_string(number);
  };
  std::string text = std::string("phase=") + v1alpha1::word_of(seen.object.status.phase) +
                     " generation=" + std::to_string(seen.object.generation);
  text += count("jobs", seen.jobs.size()) + count("releases", seen.releases.size()) +
          count("verifications", seen.verifications.size()) + count("pods", seen.pods.size());
  if (seen.deployment) text += " deployment=" + std::to_string(seen.deployment->replicas);
  text += " secrets=" + std::to_string(seen.secrets.size()) + " engine=" + word_of(seen.voice);
  if (!seen.rival.empty()) text += " rival=" + seen.rival;
  if (seen.object.deleted) text += " deleted";
  if (seen.terminating) text += " terminating";
  if (seen.barred) text += " barred";
  return text;
}

std::string summary_of(const std::vector<Action>& actions) {
  std::string text;
  for (const Action& action : actions) text += (text.empty() ? "" : ", ") + std::string(std::visit(Words{}, action));
  return text.empty() ? "none" : text;
}

double Lap::next() {
  const SteadyTime before = last_;
  last_ = SteadyClock::now();
  return std::chrono::duration<double, std::milli>(last_ - before).count();
}

void narrate_look(const char* source, const Observed& seen, Lap& lap) {
  if (!log::shows(log::Level::debug)) return;
  log::debug("observed", {{"in", source}, {"seen", summary_of(seen)}, {"ms", lap.next()}});
}

void narrate_decision(const Decision& next, Lap& lap) {
  if (!log::shows(log::Level::debug)) return;
  const v1alpha1::Condition* ready = v1alpha1::find_condition(next.status, v1alpha1::condition::ready);
  log::debug("decided", {{"actions", summary_of(next.actions)},
                         {"phase", v1alpha1::word_of(next.status.phase)},
                         {"reason", ready == nullptr ? "" : ready->reason},
                         {"recheck_ms", next.recheck ? std::to_string(next.recheck->count()) : "none"},
                         {"ms", lap.next()}});
}

void narrate_beat(const char* what, Lap& lap) {
  if (log::shows(log::Level::debug)) log::debug(what, {{"ms", lap.next()}});
}

}  // namespace tributary::replication
