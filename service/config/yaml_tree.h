// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_YAML_TREE_H_
#define TOKENSVC_SERVICE_CONFIG_YAML_TREE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/expected.h"
#include "service/config/config_error.h"

namespace tokensvc {

struct YamlEntry;

/// A node of a YAML document as it was written: duplicate keys are both there, aliases are not
/// followed, and what we do not accept is marked instead of interpreted.
struct YamlNode {
  enum class Kind { kScalar, kMap, kSequence, kNull };

  Kind kind = Kind::kNull;
  ConfigPosition position;
  bool plain = false;              ///< A scalar without quotes.
  std::string text;                ///< Of a scalar.
  std::vector<YamlEntry> entries;  ///< Of a map, in the order of the file.
  std::vector<YamlNode> items;     ///< Of a sequence.
  /// Why this node is refused whatever it says (an anchor, an alias, a tag, too deep); empty = it
  /// is not.
  absl::string_view problem;
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

inline constexpr int kMaxYamlDepth = 16;

/// How much of a document is read.
struct YamlLimits {
  std::size_t bytes;
  std::size_t nodes;  ///< Keys and values.
};
inline constexpr YamlLimits kConfigLimits = {std::size_t{1} << 20, 200'000};
/// A policy may have a hundred thousand rules.
inline constexpr YamlLimits kPolicyLimits = {std::size_t{32} << 20, 4'000'000};

/// Reads exactly one YAML document. Fails where the text cannot be read as YAML at all, is not
/// UTF-8, is empty, holds several documents, or is larger than `limits`; the error says so
/// without showing the text.
Expected<YamlNode, ConfigError> ParseYaml(absl::string_view text,
                                          YamlLimits limits = kConfigLimits);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_YAML_TREE_H_
