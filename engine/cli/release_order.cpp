#include "engine/cli/release_order.h"

#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/base/seal.h"
#include "engine/serve/request.h"

namespace tributary::cli {
namespace {

constexpr Milliseconds enough_to_give{40'000};

}  // namespace

serve::Response ReleaseOrder::answer(const serve::Request& request) {
  if (!same_secret(sha256(request.bearer), token_sha256_)) {
    log::warn("an order to release was refused", {{"cause", "its token is not the one of this engine"}});
    return {.status = 403, .body = "the token is not the one of this engine\n"};
  }
  if (done_) {
    heard_.request_stop();
    return {.status = 200, .body = "released\n"};
  }
  if (!given()) {
    forget_ = request.query == "forget";
    log::info("ordered to release", {{"forget", forget_.load()}});
    given_.request_stop();
  }
  return {.status = 202, .body = "releasing\n"};
}

serve::Routes ReleaseOrder::routes() {
  if (!may_come()) return {};
  return {{"/release", {.post = [this](const serve::Request& request) { return answer(request); }}}};
}

api::Report until_released(ReleaseOrder& order, const Until& until,
                           const std::function<api::Report(const Until&)>& work,
                           const std::function<api::Report(pipeline::Keep, const Until&)>& release,
                           const LastWaits& waits) {
  std::stop_source either;
  const auto pass_on = [&either] { either.request_stop(); };
  const std::stop_callback on_stop(until.stop, pass_on);
  const std::stop_callback on_order(order.when_given(), pass_on);
  const api::Report ended = work({until.deadline, either.get_token()});
  if (order.may_come() && until.stop.stop_requested()) pause_for(waits.latecomer, order.when_given());
  if (!order.given()) return ended;
  // A stop does not end what is being given back: nobody would come back to it.
  api::Report report = release(order.keep(), {Deadline::after(enough_to_give), {}});
  if (report.exit_code != api::ExitCode::done) return report;
  order.carried_out();
  pause_for(waits.long_hearing, until.stop);
  const bool unheard = pause_for(waits.hearing, order.when_heard());
  if (!unheard) pause_for(waits.writing, {});
  return report;
}

}  // namespace tributary::cli
