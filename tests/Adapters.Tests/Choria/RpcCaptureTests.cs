namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json.Nodes;

/// <summary>The bodies of the recorded traffic: typed, and equal when written again.</summary>
public sealed class RpcCaptureTests
{
    // Of each action, how its inputs and outputs are read and written again.
    private static readonly Dictionary<string, IBothWays> Actions = new()
    {
        ["choria_provision#jwt"] = BothWays.Of(ProvisionAgent.Jwt),
        ["choria_provision#gen25519"] = BothWays.Of(ProvisionAgent.Gen25519),
        ["choria_provision#gencsr"] = BothWays.Of(ProvisionAgent.Gencsr),
        ["choria_provision#configure"] = BothWays.Of(ProvisionAgent.Configure),
        ["choria_provision#restart"] = BothWays.Of(ProvisionAgent.Restart),
        ["choria_provision#reprovision"] = BothWays.Of(ProvisionAgent.Reprovision),
        ["choria_provision#shutdown"] = BothWays.Of(ProvisionAgent.Shutdown),
        ["rpcutil#ping"] = BothWays.Of(RpcutilAgent.Ping),
        ["rpcutil#inventory"] = BothWays.Of(RpcutilAgent.Inventory),
        ["rpcutil#agent_inventory"] = BothWays.Of(RpcutilAgent.AgentInventory),
        ["rpcutil#daemon_stats"] = BothWays.Of(RpcutilAgent.DaemonStats),
        ["rpcutil#get_fact"] = BothWays.Of(RpcutilAgent.GetFact),
        ["choria_util#info"] = BothWays.Of(ChoriaUtilAgent.Connection),
    };

    [Fact]
    public void EveryCapturedRequestBody_IsTyped_AndEqualWhenWrittenAgain()
    {
        var read = 0;
        foreach (var message in Captures.Requests())
        {
            if (ActionOf(message.Kind) is { } action && ChoriaEnvelope.TryDecodeRequest(message.Payload, out var received, out _))
            {
                Assert.True(RpcRequest.TryDecode(received.Request.Body, out var request, out var fault), $"{message}: {fault}");
                Assert.Equal(Text(received.Request.Body), Text(request.Encode()));
                AssertSameJson(received.Request.Body.ToArray(), action.RewriteInput(request));
                read++;
            }
        }

        Assert.Equal(184, read);
    }

    [Fact]
    public void EveryCapturedReplyBody_IsTyped_AndEqualWhenWrittenAgain()
    {
        var (read, failed) = (0, 0);
        foreach (var message in Captures.Replies().Where(message => message.Kind.Contains(" rpc ", StringComparison.Ordinal)))
        {
            Assert.True(ChoriaEnvelope.TryDecodeReply(message.Payload, out var received, out _));
            Assert.True(RpcReply.TryDecode(received.Reply.Body, out var reply, out var fault), $"{message}: {fault}");
            Assert.Equal(Text(received.Reply.Body), Text(reply.Encode()));
            Assert.Equal(message.Kind.EndsWith("statuscode=0", StringComparison.Ordinal), reply.IsOk);
            if (ActionOf(message.Kind) is { } action && reply.IsOk)
            {
                AssertSameJson(received.Reply.Body.ToArray(), action.RewriteOutput(reply));
                read++;
            }
            else if (!reply.IsOk)
            {
                failed++;
            }
        }

        Assert.Equal(152, read);
        Assert.Equal(16, failed);
    }

    [Fact]
    public void EveryCapturedDiscovery_IsPingOrPong()
    {
        foreach (var message in Captures.Requests().Where(message => message.Kind.EndsWith("discovery ping", StringComparison.Ordinal)))
        {
            Assert.True(ChoriaEnvelope.TryDecodeRequest(message.Payload, out var request, out _));
            Assert.True(Discovery.IsPing(request.Request.Body.Span));
        }

        foreach (var message in Captures.Replies().Where(message => message.Kind.EndsWith("discovery pong", StringComparison.Ordinal)))
        {
            Assert.True(ChoriaEnvelope.TryDecodeReply(message.Payload, out var reply, out _));
            Assert.True(Discovery.IsPong(reply.Reply.Body.Span));
            Assert.Equal(reply.Reply.Sender, Discovery.ResponderOf(reply));
        }
    }

    [Fact]
    public void Filters_AreRead_FromTheCapturedDiscoveries()
    {
        Assert.Equal([new FactFilter("role", "==", "web")], FilterOf(48).Facts);
        Assert.Equal(["with(\"role=web\")"], FilterOf(52).Expressions);
        Assert.Equal(["rpcutil"], FilterOf(52).Agents);
        Assert.True(FilterOf(3).IsEmpty);
    }

    [Fact]
    public void TryReadSettings_ReadsWhatEncodeSettingsWrites_AndWhatTheProvisionerSent()
    {
        foreach (var message in Captures.Requests().Where(message => message.Kind.EndsWith("#configure", StringComparison.Ordinal)))
        {
            Assert.True(ChoriaEnvelope.TryDecodeRequest(message.Payload, out var received, out _));
            Assert.True(RpcRequest.TryDecode(received.Request.Body, out var request, out _));
            Assert.True(ProvisionAgent.Configure.TryReadInput(request, out var input, out _));
            Assert.True(input.TryReadSettings(out var settings, out var fault), fault?.ToString());
            AssertSameJson(Encoding.UTF8.GetBytes(input.SettingsJson), Encoding.UTF8.GetBytes(ConfigureInput.EncodeSettings(settings)));
        }

        var number = new ConfigureInput { SettingsJson = """{"registerinterval":300}""" };
        Assert.False(number.TryReadSettings(out _, out _));
    }

    private static ChoriaFilter FilterOf(int number)
    {
        Assert.True(ChoriaEnvelope.TryDecodeRequest(Captures.Message("v2-issuer", number).Payload, out var request, out _));
        return request.Request.Filter;
    }

    private static IBothWays? ActionOf(string kind) =>
        kind.Split(' ') is [_, "rpc", var action, ..] ? Actions.GetValueOrDefault(action) : null;

    private static void AssertSameJson(byte[] expected, byte[] actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual)), $"{Text(expected)}\n{Text(actual)}");

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private interface IBothWays
    {
        byte[] RewriteInput(RpcRequest request);

        byte[] RewriteOutput(RpcReply reply);
    }

    private static class BothWays
    {
        public static IBothWays Of<TInput, TOutput>(RpcAction<TInput, TOutput> action)
            where TInput : notnull
            where TOutput : notnull => new Typed<TInput, TOutput>(action);

        private sealed class Typed<TInput, TOutput>(RpcAction<TInput, TOutput> action) : IBothWays
            where TInput : notnull
            where TOutput : notnull
        {
            public byte[] RewriteInput(RpcRequest request)
            {
                Assert.True(action.TryReadInput(request, out var input, out var fault), fault?.ToString());
                return action.EncodeRequest(input);
            }

            public byte[] RewriteOutput(RpcReply reply)
            {
                Assert.True(action.TryReadOutput(reply, out var output, out var fault), fault?.ToString());
                return action.EncodeReply(output);
            }
        }
    }
}
