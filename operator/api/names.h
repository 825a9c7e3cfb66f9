#pragma once

// The words of the API that both the cluster and people meet. Changing one breaks installed objects.
namespace tributary::v1alpha1 {

inline constexpr const char* group = "tributary.dev";
inline constexpr const char* version = "v1alpha1";
inline constexpr const char* api_version = "tributary.dev/v1alpha1";
inline constexpr const char* kind = "Replication";
inline constexpr const char* plural = "replications";

inline constexpr const char* finalizer = "tributary.dev/cleanup";

// On every object that belongs to a Replication. The UID label is what the operator selects by.
inline constexpr const char* uid_label = "tributary.dev/uid";
inline constexpr const char* name_label = "tributary.dev/replication";

// On an engine's Job or Deployment: what it was started with, so that it is itself the record of its start.
inline constexpr const char* attempt_annotation = "tributary.dev/attempt";
inline constexpr const char* inputs_annotation = "tributary.dev/inputs-hash";
inline constexpr const char* request_annotation = "tributary.dev/request-id";
inline constexpr const char* rendered_annotation = "tributary.dev/rendered-hash";
inline constexpr const char* outages_annotation = "tributary.dev/outages";
inline constexpr const char* crashes_annotation = "tributary.dev/crashes";
inline constexpr const char* generation_annotation = "tributary.dev/generation";
inline constexpr const char* credentials_annotation = "tributary.dev/credentials";

// On a Job that gives back what a stream holds on the source, and on no other.
inline constexpr const char* release_annotation = "tributary.dev/release";
// On such a Job that also drops from the target what was copied.
inline constexpr const char* drop_annotation = "tributary.dev/drops-target-data";

// On a Job that compares both ends, and on no other: what asked for it. Its pods bear the label.
inline constexpr const char* verify_annotation = "tributary.dev/verify";
inline constexpr const char* verify_label = "tributary.dev/verify";
// On such a Job: that of the copy which it compares.
inline constexpr const char* copy_annotation = "tributary.dev/copy";

// On the pods of a Deployment, and on no Job's.
inline constexpr const char* stream_label = "tributary.dev/stream";
// On a Deployment: the engine's image, so that it can be told without its spec.
inline constexpr const char* image_annotation = "tributary.dev/image";
// On a Deployment and its pod: the request of spec.recopy that the engine was started with.
inline constexpr const char* recopy_annotation = "tributary.dev/recopy";

// So that Job names stay below the 63 characters of a label: "<name>-<8 digits>-<attempt>".
inline constexpr unsigned longest_name = 45;

}  // namespace tributary::v1alpha1
