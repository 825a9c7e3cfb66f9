#include "engine/cli/endpoints.h"

#include "engine/cli/metrics.h"

namespace tributary::cli {

serve::Routes status_routes(const pipeline::ProgressBoard& board) {
  const serve::Handler alive = [] { return serve::Response{.body = "ok\n"}; };
  return {{"/healthz", {alive}},
          {"/readyz", {alive}},
          {"/status", {[&board] {
             return serve::Response{.content_type = "application/json", .body = api::to_json(board.snapshot()) + "\n"};
           }}},
          {"/metrics", {[&board] {
             return serve::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                    .body = metrics_text(board.snapshot())};
           }}}};
}

}  // namespace tributary::cli
