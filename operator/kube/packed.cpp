#include "operator/kube/packed.h"

#include <algorithm>
#include <vector>

namespace tributary::kube {

Packed::Packed(const Object& object) {
  const std::vector<std::uint8_t> bytes = Json::to_msgpack(object.json());
  const std::shared_ptr<std::uint8_t[]> copy = std::make_shared<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  bytes_ = copy;
  size_ = bytes.size();
}

Object Packed::object() const {
  if (size_ == 0) return {};
  return Object(Json::from_msgpack(bytes_.get(), bytes_.get() + size_, true, false));
}

bool Packed::operator==(const Packed& other) const {
  return size_ == other.size_ && std::equal(bytes_.get(), bytes_.get() + size_, other.bytes_.get());
}

}  // namespace tributary::kube
