using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet.Signing;

/// <summary>What Choria's own command line asked of its AAA service, asked of us: the answers are the same to the letter.</summary>
public sealed class SigningCaptureTests
{
    private const string Folder = "v2-aaa";
    private const string Collective = "mcollective";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SignAsync_GivesTheCapturedSecureRequest_ForTheCapturedQuestionOverHttp()
    {
        await using var stage = await SigningStage.StartAsync();
        var line = Captures.Lines(Folder, "http.jsonl").Single(one => one["path"]!.GetValue<string>() == "/choria/v1/sign");
        var body = JsonNode.Parse(line["req_body"]!.GetValue<string>())!;
        var question = new SignatureQuestion(
            Convert.FromBase64String(body["request"]!.GetValue<string>()),
            body["token"]!.GetValue<string>(),
            body["signature"]!.GetValue<string>());

        var answer = await stage.Signer.SignAsync(question, SignatureWay.Http, "127.0.0.1", Cancel);

        var expected = JsonNode.Parse(line["resp_body"]!.GetValue<string>())!["secure_request"]!.GetValue<string>();
        var signed = Assert.IsType<SignatureAnswer.Signed>(answer);
        Assert.Equal(Encoding.UTF8.GetString(Convert.FromBase64String(expected)), Encoding.UTF8.GetString(signed.SecureRequest.Span));
        Assert.Equal(["begin up=alice SignChoriaRequest rpcutil.ping allow", "end signed"], stage.Audit.Lines);
    }

    [Fact]
    public async Task TheServiceAgent_GivesTheCapturedReplies_ToTheCapturedQuestions_OverABroker()
    {
        await using var stage = await SigningStage.StartAsync();
        await using var server = await NatsServer.StartAsync(new NatsServerSettings(), Cancel);
        await using var connection = new NatsConnection(NatsOpts.Default with { Url = server.Url });
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var responder = new SignerAgentResponder(
            connection, Collective, "aaa.example.net", stage.Signer, stage.Time, NullLogger<SignerAgentResponder>.Instance);
        var serving = responder.RunAsync(ending.Token);

        var messages = Captures.Messages(Folder);
        var questions = messages.Where(message => message.Kind.StartsWith("v2.request rpc aaa_signer", StringComparison.Ordinal)).ToList();
        Assert.Equal(5, questions.Count);
        foreach (var question in questions)
        {
            Assert.True(ChoriaEnvelope.TryDecodeRequest(question.Payload, out var received, out _));
            var captured = messages.Select(message => ReplyOrNull(message, received.Request.Id)).OfType<ReceivedReply>().Single();

            var reply = await AskAsync(connection, question, received.Headers.ReplySubject!);

            Assert.Equal(Encoding.UTF8.GetString(captured.Reply.Body.Span), Encoding.UTF8.GetString(reply.Reply.Body.Span));
            Assert.Equal((captured.Reply.RequestId, captured.Reply.Agent), (reply.Reply.RequestId, reply.Reply.Agent));
        }

        // The last but one: choria_util.info is not among the actions of alice.
        Assert.Contains("begin up=alice SignChoriaRequest choria_util.info deny", stage.Audit.Lines);
        Assert.Equal(3, stage.Audit.Lines.Count(line => line == "begin up=alice SignChoriaRequest discovery.ping allow"));
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
    }

    /// <summary>The client puts its own token in the place of the caller's, and sends what it got.</summary>
    [Fact]
    public async Task ANode_ServesWhatWeSigned_AndNothingThatAnybodyElseSigned()
    {
        await using var stage = await SigningStage.StartAsync();
        var alice = File.ReadAllText(SigningStage.KeyFile("client", "alice.jwt")).Trim();
        var asked = CapturedRequest();
        using var key = Ed25519Key.FromSeedHex(File.ReadAllText(SigningStage.KeyFile("client", "alice.seed")));
        var question = new SignatureQuestion(asked.Bytes, alice, key.SignHex(asked.Bytes.Span));

        var signed = Assert.IsType<SignatureAnswer.Signed>(
            await stage.Signer.SignAsync(question, SignatureWay.Http, address: null, Cancel));

        Assert.True(IsServed(signed.SecureRequest.ToArray(), alice, out var fault), fault);

        // The caller herself; a token without the permission; one that another organisation made; another key than the token's.
        using var issuer = Ed25519Key.FromSeedHex(File.ReadAllText(SigningStage.KeyFile("issuer.seed")));
        using var other = Ed25519Key.Generate();
        var claims = new ClientClaims { CallerId = "up=mallory", PublicKey = other.PublicKeyHex, OrganizationUnit = "choria" };
        var now = SigningStage.CapturedAt.AddMinutes(-1);
        var powerless = TokenIssuer.Organization(issuer).Issue(
            claims with { Permissions = new ClientPermissions { FleetManagement = true } }, TimeSpan.FromHours(1), now);
        var foreign = TokenIssuer.Organization(other).Issue(
            claims with { Permissions = new ClientPermissions { AuthenticationDelegator = true } }, TimeSpan.FromHours(1), now);
        var delegator = File.ReadAllText(SigningStage.KeyFile("aaa", "signer.jwt")).Trim();
        Assert.False(IsServed(asked.Seal(RequestSigner.WithToken(key, alice)), alice, out _));
        Assert.False(IsServed(asked.Seal(RequestSigner.Delegated(other, alice, powerless)), alice, out _));
        Assert.False(IsServed(asked.Seal(RequestSigner.Delegated(other, alice, foreign)), alice, out _));
        Assert.False(IsServed(asked.Seal(RequestSigner.Delegated(other, alice, delegator)), alice, out _));
    }

    internal static PlainRequest CapturedRequest()
    {
        var line = Captures.Lines(Folder, "http.jsonl").Single(one => one["path"]!.GetValue<string>() == "/choria/v1/sign");
        var body = JsonNode.Parse(line["req_body"]!.GetValue<string>())!;
        Assert.True(PlainRequest.TryRead(Convert.FromBase64String(body["request"]!.GetValue<string>()), out var request, out _));
        return request;
    }

    internal static bool IsServed(byte[] secureRequest, string callerToken, out string? why)
    {
        var secure = JsonNode.Parse(secureRequest)!;
        secure["caller"] = callerToken;
        var transport = new JsonObject
        {
            ["protocol"] = "io.choria.protocol.v2.transport",
            ["data"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(secure.ToJsonString())),
            ["headers"] = new JsonObject(),
        };
        var payload = Encoding.UTF8.GetBytes(transport.ToJsonString());
        Assert.True(ChoriaEnvelope.TryDecodeRequest(payload, out var received, out var unread), $"{unread}");
        var isServed = RequestVerification.TryVerifyCaller(
            received, SigningStage.Trust, SigningStage.CapturedAt, out _, out var fault);
        why = fault?.Detail;
        return isServed;
    }

    private static ReceivedReply? ReplyOrNull(CapturedMessage message, string requestId) =>
        message.Kind.StartsWith("v2.reply rpc aaa_signer", StringComparison.Ordinal)
            && ChoriaEnvelope.TryDecodeReply(message.Payload, out var reply, out _) && reply.Reply.RequestId == requestId
                ? reply
                : null;

    // Until the responder has subscribed, nobody hears.
    private static async Task<ReceivedReply> AskAsync(NatsConnection connection, CapturedMessage question, string replySubject)
    {
        await using var replies = await connection.SubscribeCoreAsync<byte[]>(replySubject, cancellationToken: Cancel);
        var hearing = replies.Msgs.ReadAsync(Cancel).AsTask();
        await UntilHeardAsync(connection);
        await connection.PublishAsync(question.Subject, question.Payload, cancellationToken: Cancel);
        var message = await hearing.WaitAsync(TimeSpan.FromMinutes(3), Cancel);
        Assert.True(ChoriaEnvelope.TryDecodeReply(message.Data, out var reply, out var fault), $"{fault}");
        return reply;
    }

    private static async Task UntilHeardAsync(NatsConnection connection)
    {
        while (true)
        {
            try
            {
                // The broker says at once that there is nobody; once there is somebody, nobody answers what is no request.
                await connection.RequestAsync<byte[], byte[]>(
                    ChoriaSubjects.ServiceAgent(Collective, SignerAgent.Name), [1],
                    replyOpts: new NatsSubOpts { Timeout = TimeSpan.FromMilliseconds(200) }, cancellationToken: Cancel);
            }
            catch (NatsNoRespondersException)
            {
                continue;
            }
            catch (NatsNoReplyException)
            {
                return;
            }
        }
    }
}
