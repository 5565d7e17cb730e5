#include "proxyctl/words.hpp"

#include <algorithm>

#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

class Splitter {
public:
    explicit Splitter(std::string_view line) {
        for (const char c : line)
            take(c);
    }
    [[nodiscard]] bool is_open() const { return quote_ != '\0' || escaped_; }
    std::vector<std::string> finish(bool with_empty) {
        if (in_word_ || with_empty) words_.push_back(word_);
        return std::move(words_);
    }

private:
    void take(char c) {
        if (escaped_) {
            add(c);
            escaped_ = false;
        } else if (c == '\\' && quote_ != '\'') {
            escaped_ = in_word_ = true;
        } else if (quote_ != '\0') {
            if (c == quote_) {
                quote_ = '\0';
            } else {
                add(c);
            }
        } else if (c == '"' || c == '\'') {
            quote_ = c;
            in_word_ = true;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            end_word();
        } else {
            add(c);
        }
    }
    void add(char c) {
        word_ += c;
        in_word_ = true;
    }
    void end_word() {
        if (in_word_) words_.push_back(word_);
        word_.clear();
        in_word_ = false;
    }

    std::vector<std::string> words_;
    std::string word_;
    bool in_word_ = false;
    bool escaped_ = false;
    char quote_ = '\0';
};

template <typename Change>
std::string changed(std::string_view text, Change change) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), change);
    return result;
}

}  // namespace

std::vector<std::string> split_words(std::string_view line) {
    if (line.size() > longest_command_line) {
        fail(exit_status::misused, "the line has {} characters; at most {} are read", line.size(),
             longest_command_line);
    }
    Splitter splitter(line);
    if (splitter.is_open()) fail(exit_status::misused, "a quote is open at the end of the line");
    std::vector<std::string> words = splitter.finish(false);
    check_bounds(words);
    return words;
}

std::vector<std::string> words_so_far(std::string_view line) {
    return Splitter(line.substr(0, longest_command_line)).finish(true);
}

void check_bounds(const std::vector<std::string>& words) {
    if (words.size() > most_arguments) {
        fail(exit_status::misused, "{} arguments; at most {} are read", words.size(), most_arguments);
    }
    for (const std::string& word : words) {
        if (word.size() <= longest_argument) continue;
        fail(exit_status::misused, "an argument of {} characters ({}...); at most {} are read", word.size(),
             word.substr(0, 20), longest_argument);
    }
}

std::string lower(std::string_view text) {
    return changed(text, [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

std::string upper(std::string_view text) {
    return changed(text, [](char c) { return 'a' <= c && c <= 'z' ? static_cast<char>(c - 32) : c; });
}

}  // namespace proxyctl
