#include "operator/torture/disturbance.h"

#include "operator/torture/clock.h"

namespace tributary::torture {
namespace {

using kube::Json;
using kube::Method;
using kube::testing::Misfortune;
using kube::testing::Served;
using Kind = Misfortune::Kind;

bool is_watch(const Served& served) {
  return served.query.find("watch=") != std::string::npos;
}

// Of what fills a cache: a page, or everything after a page's token has expired.
bool is_list(const Served& served) {
  return served.method == Method::get && !is_watch(served) && !served.path.ends_with("/shop") &&
         served.query.find("labelSelector=tributary.dev%2Fuid%3D") == std::string::npos &&
         served.path.find("/events") == std::string::npos &&
         served.path.find("/namespaces/system") == std::string::npos;
}

bool is_about(const Served& served, const std::string& plural) {
  return served.path.find("/" + plural) != std::string::npos;
}

// Of the namespace itself, which takes its Roles with it, and not of what outlives them.
bool needs_role(const Served& served) {
  const std::size_t at = served.path.find("/namespaces/" + shop.space + "/");
  return at != std::string::npos && served.path.find("/replications/", at) == std::string::npos;
}

Misfortune answer(int status, const char* reason, const std::string& message) {
  return {.kind = Kind::answer, .status = status, .reason = reason, .message = message};
}

Misfortune too_large() {
  Misfortune out = answer(504, "Timeout", "Timeout: Too large resource version: 9, current: 1");
  out.details = {{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"}}})}, {"retryAfterSeconds", 0}};
  return out;
}

Json foreign_job(const std::string& body) {
  const std::string name = kube::text_at(kube::parse_json(body).json, {"metadata", "name"});
  return {{"metadata", {{"name", name}, {"namespace", shop.space}, {"labels", {{"of", "somebody else"}}}}},
          {"spec", Json::object()}};
}

}  // namespace

Disturbance::Disturbance(FaultKind fault, Moment moment, std::uint64_t seed, Surroundings around)
    : fault_(fault), moment_(moment), around_(around), random_(seed) {}

std::uint64_t Disturbance::random() {
  const std::lock_guard lock(random_mutex_);
  return random_();
}

Misfortune Disturbance::judge(const Served& served) {
  const std::lock_guard lock(mutex_);
  if (!active_ || !served.user_agent.starts_with("incarnation-")) return {};
  take_note(served);
  const Misfortune fate = served.method == Method::get ? judge_read(served) : judge_write(served);
  if (fate.kind != Kind::none || fate.delay > Milliseconds(0)) came_ = true;
  return fate;
}

void Disturbance::take_note(const Served& served) {
  if (is_watch(served) || is_list(served)) ++reopened_;
  if (fault_ == FaultKind::crd_gone && is_about(served, "replications")) came_ = true;
  if (fault_ == FaultKind::crd_older && is_write(served) && served.path.ends_with("/status")) came_ = true;
}

Misfortune Disturbance::judge_write(const Served& served) {
  const std::string what = std::string(name_of(served.method)) + " " + served.path;
  const bool creates = served.method == Method::post;
  switch (fault_) {
    case FaultKind::answer_lost:
      return chance(50) ? Misfortune{.kind = Kind::drop_after} : Misfortune{};
    case FaultKind::request_doubled:
      return creates ? Misfortune{.kind = Kind::twice} : Misfortune{};
    case FaultKind::conflict:
      return once(what) ? answer(409, "Conflict", "the object has been modified") : Misfortune{};
    case FaultKind::already_exists:
      return creates
                 ? Misfortune{.kind = Kind::answer_after, .status = 409, .reason = "AlreadyExists", .message = "exists"}
                 : Misfortune{};
    case FaultKind::not_found:
      return !creates && !is_about(served, "configmaps") && !is_about(served, "secrets") && once(what)
                 ? answer(404, "NotFound", "not found")
                 : Misfortune{};
    case FaultKind::invalid:
      return (creates || served.path.ends_with("/status")) && chance(70) ? answer(422, "Invalid", "a rule says no")
                                                                         : Misfortune{};
    case FaultKind::forbidden:
      return served.method == method_ && is_about(served, picked_) ? answer(403, "Forbidden", "a role says no")
                                                                   : Misfortune{};
    case FaultKind::throttled: {
      Misfortune out = answer(429, "TooManyRequests", "later");
      out.retry_after_seconds = chance(30) ? 1 : 0;
      return chance(40) ? out : Misfortune{};
    }
    case FaultKind::server_errors: {
      const int codes[] = {500, 503, 504};
      Misfortune out = answer(codes[draw(0, 2)], "InternalError", "no");
      if (chance(30)) out.kind = Kind::answer_after;
      return chance(60) ? out : Misfortune{};
    }
    case FaultKind::slow:
      if (chance(20)) return {.kind = Kind::late, .delay = too_long()};
      return chance(50) ? Misfortune{.delay = Milliseconds(draw(50, 600))} : Misfortune{};
    case FaultKind::lease_refused:
      return is_about(served, "leases") ? answer(500, "InternalError", "etcdserver: request timed out") : Misfortune{};
    case FaultKind::half_answer:
      return chance(40) ? Misfortune{.kind = Kind::cut} : Misfortune{};
    case FaultKind::webhook:
      return is_about(served, picked_)
                 ? answer(500, "InternalError", "failed calling webhook \"x.example\": connect: connection refused")
                 : Misfortune{};
    case FaultKind::name_taken:
      return creates && is_about(served, "jobs") && left_-- > 0
                 ? Misfortune{.kind = Kind::forestall, .details = foreign_job(served.body)}
                 : Misfortune{};
    case FaultKind::namespace_ends:
      if (worse_ && needs_role(served)) return answer(403, "Forbidden", "a role is gone");
      return (creates && is_about(served, shop.space)) || is_about(served, "configmaps/")
                 ? answer(403, "Forbidden",
                          "forbidden: unable to create new content in namespace prod because it is "
                          "being terminated")
                 : Misfortune{};
    case FaultKind::quota:
      return picked_ == "jobs" && creates && is_about(served, "jobs")
                 ? answer(403, "Forbidden", "jobs \"x\" is forbidden: exceeded quota: none")
                 : Misfortune{};
    default:
      return {};
  }
}

Misfortune Disturbance::judge_read(const Served& served) {
  switch (fault_) {
    case FaultKind::throttled:
      return chance(30) ? answer(429, "TooManyRequests", "later") : Misfortune{};
    case FaultKind::server_errors:
      return chance(50) ? answer(503, "ServiceUnavailable", "no") : Misfortune{};
    case FaultKind::slow:
      if (!is_watch(served) && chance(20)) return {.kind = Kind::late, .delay = too_long()};
      return chance(30) ? Misfortune{.delay = Milliseconds(draw(50, 600))} : Misfortune{};
    case FaultKind::half_answer:
      return !is_watch(served) && chance(30) ? Misfortune{.kind = Kind::cut} : Misfortune{};
    case FaultKind::forbidden:
      return method_ == Method::get && is_about(served, picked_) ? answer(403, "Forbidden", "a role says no")
                                                                 : Misfortune{};
    case FaultKind::namespace_ends:
      return worse_ && needs_role(served) ? answer(403, "Forbidden", "a role is gone") : Misfortune{};
    case FaultKind::gone_in_list:
      return is_list(served) && served.query.find("continue=") != std::string::npos
                 ? answer(410, "Expired", "The provided continue parameter is too old")
                 : Misfortune{};
    case FaultKind::version_too_large:
      return (is_watch(served) || is_list(served)) && chance(60) ? too_large() : Misfortune{};
    case FaultKind::unobserved:
      return is_watch(served) || is_list(served) ? answer(503, "ServiceUnavailable", "no") : Misfortune{};
    case FaultKind::stale_list:
      return version_ > 0 && is_list(served) && once(served.user_agent + served.path)
                 ? Misfortune{.kind = Kind::stale, .version = version_}
                 : Misfortune{};
    case FaultKind::no_sync:
      return is_list(served) && served.path.ends_with("/" + picked_) ? Misfortune{.kind = Kind::stall} : Misfortune{};
    default:
      return {};
  }
}

}  // namespace tributary::torture
