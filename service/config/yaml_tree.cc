// SPDX-License-Identifier: Apache-2.0
#include "service/config/yaml_tree.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

constexpr absl::string_view kAnchorProblem =
    "anchors (&) are not accepted: write the value out where it is needed";
constexpr absl::string_view kAliasProblem =
    "aliases (*) are not accepted: write the value out here";
constexpr absl::string_view kTagProblem = "tags (!) are not accepted: write the value alone";
constexpr absl::string_view kDepthProblem = "is nested too deep";

ConfigPosition PositionOf(const YAML::Mark& mark) {
  if (mark.is_null() || mark.line < 0) return {};
  return {mark.line + 1, mark.column + 1};
}

// Builds the tree from the parser's events and never from yaml-cpp's own nodes: those have followed
// aliases already (a bomb of them costs gigabytes) and keep only one of two equal keys.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(absl::string_view text, std::size_t max_nodes) : text_(text), max_nodes_(max_nodes) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) second_document_ = PositionOf(mark);
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Attach(MakeNode(YamlNode::Kind::kNull, mark, "?", anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    YamlNode node = MakeNode(YamlNode::Kind::kNull, mark, "?", 0);
    node.problem = kAliasProblem;
    Attach(std::move(node));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = MakeNode(YamlNode::Kind::kScalar, mark, tag, anchor);
    node.plain = tag == "?";
    if (!Ignoring()) node.text = value;
    Attach(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(MakeNode(YamlNode::Kind::kSequence, mark, tag, anchor));
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(MakeNode(YamlNode::Kind::kMap, mark, tag, anchor));
  }
  void OnMapEnd() override { Close(); }

  const std::optional<ConfigPosition>& second_document() const { return second_document_; }
  const std::optional<ConfigPosition>& node_beyond_limit() const { return node_beyond_limit_; }
  std::optional<YamlNode>& root() { return root_; }

 private:
  // A node that is being filled, and for maps whether its last entry still waits for the value.
  struct OpenNode {
    YamlNode node;
    bool awaits_value = false;
  };

  bool Ignoring() const {
    return ignored_depth_ > 0 || documents_ > 1 || node_beyond_limit_.has_value();
  }

  YamlNode MakeNode(YamlNode::Kind kind, const YAML::Mark& mark, absl::string_view tag,
                    YAML::anchor_t anchor) {
    YamlNode node;
    node.kind = kind;
    node.position = PositionOf(mark);
    if (++nodes_ > max_nodes_ && !node_beyond_limit_) node_beyond_limit_ = node.position;
    // "?" is an untagged node, "!" a quoted scalar, or one with the tag `!`, which stands at its
    // mark.
    const bool written_tag = mark.pos >= 0 && static_cast<std::size_t>(mark.pos) < text_.size() &&
                             text_[static_cast<std::size_t>(mark.pos)] == '!';
    if ((tag != "?" && tag != "!") || written_tag) node.problem = kTagProblem;
    if (anchor != 0) node.problem = kAnchorProblem;
    return node;
  }

  void Open(YamlNode node) {
    if (Ignoring()) {
      ++ignored_depth_;
      return;
    }
    if (stack_.size() >= kMaxYamlDepth) {
      node.problem = kDepthProblem;
      Attach(std::move(node));
      ignored_depth_ = 1;
      return;
    }
    stack_.push_back({std::move(node)});
  }

  void Close() {
    if (ignored_depth_ > 0) {
      --ignored_depth_;
      return;
    }
    if (stack_.empty()) return;
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    Attach(std::move(node));
  }

  void Attach(YamlNode node) {
    if (Ignoring()) return;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = stack_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.awaits_value) {
      parent.node.entries.back().value = std::move(node);
      parent.awaits_value = false;
    } else {
      parent.node.entries.push_back({std::move(node), {}});
      parent.awaits_value = true;
    }
  }

  absl::string_view text_;
  const std::size_t max_nodes_;
  std::vector<OpenNode> stack_;
  std::optional<YamlNode> root_;
  int documents_ = 0;
  std::size_t nodes_ = 0;
  std::size_t ignored_depth_ = 0;
  std::optional<ConfigPosition> second_document_;
  std::optional<ConfigPosition> node_beyond_limit_;
};

ConfigError FileError(ConfigPosition position, std::string message) {
  return {"", position.line, position.column, std::move(message)};
}

// The length of the UTF-8 sequence that `text` starts with, or 0 where it is none (RFC 3629 §4).
std::size_t Utf8Length(absl::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&byte](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

// yaml-cpp guesses at UTF-16 and UTF-32 and reads control characters as they come: neither gets
// that far.
std::optional<ConfigError> CheckBytes(absl::string_view text) {
  ConfigPosition position;
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    if (length == 0) return FileError(position, "is not UTF-8 text");
    const auto byte = static_cast<unsigned char>(text[0]);
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7F) {
      return FileError(position, "there is a control character here: remove it");
    }
    if (absl::string_view(text.data(), length) == "\xEF\xBB\xBF") {
      return FileError(position, "there is a byte order mark here: save the file without it");
    }
    position.column += static_cast<int>(length);
    if (byte == '\n') position = {position.line + 1, 1};
    text.remove_prefix(length);
  }
  return std::nullopt;
}

}  // namespace

Expected<YamlNode, ConfigError> ParseYaml(absl::string_view text, YamlLimits limits) {
  if (text.size() > limits.bytes) {
    return FileError({}, absl::StrCat("is larger than ", limits.bytes >> 20, " MiB"));
  }
  if (auto error = CheckBytes(text)) return *std::move(error);

  TreeBuilder builder(text, limits.nodes);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // Not further than the start of a second document: at a stray comma or bracket yaml-cpp 0.7
    // returns empty documents for ever.
    while (!builder.second_document() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::DeepRecursion& error) {
    return FileError(PositionOf(error.mark), std::string(kDepthProblem));
  } catch (const YAML::Exception& error) {
    // The library's message can quote the text: only the place is taken from it.
    return FileError(
        PositionOf(error.mark),
        "is not valid YAML here: check the indentation (spaces, no tabs), the quotes, the "
        "brackets, and the space after each colon; quote text that has special characters");
  } catch (const std::exception&) {
    return FileError({}, "is not valid YAML");
  }
  if (builder.second_document()) {
    return FileError(*builder.second_document(),
                     "a second document starts here, or a comma or bracket stands alone: the file "
                     "must hold one document");
  }
  if (builder.node_beyond_limit()) {
    return FileError(*builder.node_beyond_limit(),
                     absl::StrCat("has more than ", limits.nodes, " keys and values"));
  }
  if (!builder.root()) return FileError({}, "is empty");
  return *std::move(builder.root());
}

}  // namespace tokensvc
