using System.Text.Json;
using ControlPlane.Filters;

namespace ControlPlane.Grains.Tests.Filters;

public sealed class ReplyExpressionTests
{
    private static readonly ReplyFields Reply = new(
        "web1.example.net",
        1,
        "the disk /dev/sda is full",
        JsonDocument.Parse("""{ "version": "0.29.4", "os": { "major": 12, "lts": true, "a.b": 1 }, "disks": [ { "free": 0.5 }, { "free": 7 } ] }""")
            .RootElement);

    [Theory]
    [InlineData("code == 1")]
    [InlineData("code=1")]
    [InlineData("code != 0 and code < 2 && code <= 1 and code > 0 and code >= 1")]
    [InlineData("aborted()")]
    [InlineData("not ok()")]
    [InlineData("!ok() && !unknown_action() && !missing_data() && !invalid_data() && !unknown_error()")]
    [InlineData("ok() or aborted()")]
    [InlineData("ok() || aborted() and code == 1")]
    [InlineData("(ok() or aborted()) and msg =~ /disk/")]
    [InlineData("msg =~ /sd[ab] is/")]
    [InlineData("msg matches \"^the disk\"")]
    [InlineData("msg == /full$/")]
    [InlineData("msg contains 'disk' and msg startsWith 'the' and msg endsWith 'full'")]
    [InlineData("sender() == 'web1.example.net'")]
    [InlineData("sender() =~ /^web/")]
    [InlineData("data('os.major') >= 12")]
    [InlineData("data('os.major') =~ /^1/")]
    [InlineData("data('os.lts')")]
    [InlineData("data('os.lts') == true")]
    [InlineData("data('os.lts') != false")]
    [InlineData("data('os.a\\.b') == 1")]
    [InlineData("data('disks.#') == 2")]
    [InlineData("data('disks.1.free') > data('disks.0.free')")]
    [InlineData("data('version') > '0.28'")]
    [InlineData("data('none') == nil")]
    [InlineData("data('none') != 'x'")]
    [InlineData("data('version') != 1")]
    [InlineData("data('os') == nil")]
    public void Holds_ForWhatIsTrueOfTheReply(string expression) => Assert.True(Read(expression).Holds(Reply));

    [Theory]
    [InlineData("ok()")]
    [InlineData("code == 0")]
    [InlineData("not aborted()")]
    [InlineData("aborted() and ok()")]
    [InlineData("msg =~ /DISK/")]
    [InlineData("data('none')")]
    [InlineData("data('none') == 'x'")]
    [InlineData("data('none') =~ /x/")]
    [InlineData("data('none') < 1")]
    [InlineData("data('version')")]
    [InlineData("data('version') == 1")]
    [InlineData("data('os.major') == '12'")]
    [InlineData("data('disks.2.free') == 7")]
    [InlineData("data('disks.x') == 7")]
    [InlineData("data('version.x') == 7")]
    [InlineData("msg contains code")]
    public void Holds_NotForWhatIsFalseOfIt(string expression) => Assert.False(Read(expression).Holds(Reply));

    [Fact]
    public void Holds_WithoutAReply_ForNilOnly()
    {
        var silent = new ReplyFields("web1", null, "it did not answer", default);

        Assert.True(Read("code == nil and data('x') == nil and not ok()").Holds(silent));
        Assert.False(Read("code >= 0").Holds(silent));
    }

    [Theory]
    [InlineData("", "the filter ends where a value should be")]
    [InlineData("code ==", "the filter ends where a value should be")]
    [InlineData("code == 1 1", "at character 11 of the filter is '1' where and, or, or the end should be")]
    [InlineData("(ok()", "the filter ends where ')' should be")]
    [InlineData("ok", "at character 1 of the filter is 'ok' where code, msg, data('path')")]
    [InlineData("nope()", "at character 1 of the filter is 'nope' where code, msg, data('path')")]
    [InlineData("data(version) == 1", "at character 6 of the filter is 'version' where a quoted path should be")]
    [InlineData("data('a*') == 1", "is a search for facts")]
    [InlineData("ok(1)", "at character 4 of the filter is '1' where ')' should be")]
    [InlineData("msg =~ disk", "at character 8 of the filter is 'disk' where a /pattern/ should be")]
    [InlineData("msg < /disk/", "at character 7 of the filter is '/disk/' where a value should be")]
    [InlineData("msg =~ /(/", "is not a regular expression that can be used")]
    [InlineData("msg =~ /(a)\\1/", "is not a regular expression that can be used")]
    [InlineData("msg == 'disk", "is not closed")]
    [InlineData("ok() & aborted()", "write it twice, or in words")]
    public void ReadOrNull_SaysWhatIsWrongAndWhere(string expression, string fault)
    {
        Assert.Null(ReplyExpression.ReadOrNull(expression, out var said));
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadOrNull_IsBounded_InLengthDepthAndTerms()
    {
        AssertFault(new string('x', 5000), "4096 characters");
        AssertFault(new string('(', 40) + "ok()" + new string(')', 40), "32 levels");
        AssertFault(string.Concat(Enumerable.Repeat("not ", 40)) + "ok()", "32 levels");
        AssertFault(string.Join(" or ", Enumerable.Repeat("ok()", 200)), "128 terms");
    }

    private static void AssertFault(string expression, string fault)
    {
        Assert.Null(ReplyExpression.ReadOrNull(expression, out var said));
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    private static ReplyExpression Read(string expression)
    {
        var read = ReplyExpression.ReadOrNull(expression, out var fault);
        Assert.Null(fault);
        return read!;
    }
}
