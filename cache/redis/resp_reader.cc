// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/resp_reader.h"

#include <hiredis/hiredis.h>

#include <string>
#include <utility>

namespace tokensvc {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

// As deep as the scanner lets a reply be.
RespValue Convert(const redisReply& reply) {
  RespValue value;
  const auto text = [&](RespValue::Kind kind) {
    value.kind = kind;
    value.text.assign(reply.str, reply.len);
  };
  switch (reply.type) {
    case REDIS_REPLY_STRING:
      text(RespValue::Kind::kString);
      break;
    case REDIS_REPLY_STATUS:
      text(RespValue::Kind::kStatus);
      break;
    case REDIS_REPLY_ERROR:
      text(RespValue::Kind::kError);
      break;
    case REDIS_REPLY_INTEGER:
      value.kind = RespValue::Kind::kInteger;
      value.integer = reply.integer;
      break;
    case REDIS_REPLY_ARRAY:
      value.kind = RespValue::Kind::kArray;
      value.elements.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) {
        value.elements.push_back(Convert(*reply.element[i]));
      }
      break;
    default:
      break;
  }
  return value;
}

}  // namespace

void RespReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

RespReader::RespReader(std::size_t max_reply_size)
    : scanner_(max_reply_size), reader_(redisReaderCreate()) {}

absl::Status RespReader::Feed(absl::string_view bytes) {
  if (const absl::Status status = scanner_.Scan(bytes); !status.ok()) return status;
  if (reader_ == nullptr ||
      redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    return absl::ResourceExhaustedError("no memory for a reply of Redis");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RespValue>> RespReader::Next() {
  void* raw = nullptr;
  // hiredis' message would quote what the server sent.
  if (reader_ == nullptr || redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    return absl::InternalError("Redis answered something that is no RESP");
  }
  if (raw == nullptr) return std::optional<RespValue>();
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(raw));
  return std::optional<RespValue>(Convert(*reply));
}

}  // namespace tokensvc
