namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;

/// <summary>Issue 12, item 26: what a node fills has a limit where it enters.</summary>
public sealed class FieldLimitTests
{
    [Fact]
    public void AStatusMessage_IsCut_AndStaysText()
    {
        Assert.Equal(ChoriaLimits.StatusMessageCharactersMax + 1, Reply(new string('x', 390_000)).StatusMessage.Length);

        // A pair that the limit would split goes whole.
        var split = Reply(new string('x', ChoriaLimits.StatusMessageCharactersMax - 1) + "😀 and more").StatusMessage;
        Assert.Equal(new string('x', ChoriaLimits.StatusMessageCharactersMax - 1) + "…", split);
        new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetByteCount(split);
    }

    [Fact]
    public void AStatusMessage_OfTheLimit_IsWhole()
    {
        var message = new string('x', ChoriaLimits.StatusMessageCharactersMax);

        Assert.Equal(message, Reply(message).StatusMessage);
    }

    [Theory]
    [InlineData("id")]
    [InlineData("identity")]
    [InlineData("component")]
    [InlineData("version")]
    public void ALifecycleEvent_IsRefused_WhenAFieldIsTooLong(string field)
    {
        Assert.True(LifecycleEvent.TryDecode(Event(field, ChoriaLimits.NameCharactersMax), out _, out _));
        Assert.False(LifecycleEvent.TryDecode(Event(field, ChoriaLimits.NameCharactersMax + 1), out _, out var fault));
        Assert.Equal(field, fault.Field);
    }

    private static byte[] Event(string field, int length)
    {
        var fields = new Dictionary<string, string> { ["id"] = "1", ["identity"] = "n", ["component"] = "server", ["version"] = "0.30.2" };
        fields[field] = new string('a', length);
        var rest = string.Join(',', fields.Select(pair => $"\"{pair.Key}\":\"{pair.Value}\""));
        return Encoding.UTF8.GetBytes($$"""{"protocol":"io.choria.lifecycle.v1.startup","timestamp":1,{{rest}}}""");
    }

    private static RpcReply Reply(string message)
    {
        var encoded = RpcReply.Failed("restart", RpcStatus.Aborted, message).Encode();
        Assert.True(RpcReply.TryDecode(encoded, out var reply, out var fault), $"{fault}");
        return reply;
    }
}
