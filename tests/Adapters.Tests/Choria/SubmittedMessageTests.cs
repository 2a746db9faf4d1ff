using System.Text;

namespace ControlPlane.Adapters.Choria.Tests;

/// <summary>What programs on nodes submit, with the headers that the specification of the wire lists.</summary>
public sealed class SubmittedMessageTests : IDisposable
{
    private const string Node = "web1.example.net";

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly byte[] Payload = Encoding.UTF8.GetBytes("half of it is done");

    private readonly Ed25519Key issuer = Ed25519Key.FromSeedHex(new string('7', 64));
    private readonly Ed25519Key node = Ed25519Key.FromSeedHex(new string('8', 64));

    private readonly Dictionary<string, string> headers = new(StringComparer.Ordinal)
    {
        ["Nats-Msg-Id"] = "0b1e1a4e-6f2f-4bd4-9a51-7f4f4f0a2b11",
        ["Choria-Priority"] = "2",
        ["Choria-Created"] = "1795369470123456789",
        ["Choria-Sender"] = "user 0",
        ["Choria-Identity"] = Node,
    };

    private TokenTrust Trust => TokenTrust.InOrganizations(
        new Dictionary<string, IssuerKey>(StringComparer.Ordinal) { ["choria"] = IssuerKey.FromEd25519Hex(issuer.PublicKeyHex) });

    public void Dispose()
    {
        issuer.Dispose();
        node.Dispose();
    }

    [Fact]
    public void TryDecode_TellsEverything()
    {
        headers["Choria-Reliable"] = "1";
        headers["Choria-Tries"] = "3";

        var submitted = Decode("choria.submission.in.app.progress");

        Assert.Equal(("app.progress", Node, "user 0"), (submitted.Subject, submitted.Identity, submitted.Sender));
        Assert.Equal((2, true, 3, false), (submitted.Priority, submitted.IsReliable, submitted.Try, submitted.IsSigned));
        Assert.Equal("0b1e1a4e-6f2f-4bd4-9a51-7f4f4f0a2b11", submitted.MessageId);
        Assert.Equal(UnixTime.FromNanoseconds(1_795_369_470_123_456_789), submitted.Created);
        Assert.Equal(Payload, submitted.Payload.ToArray());
    }

    [Fact]
    public void TryDecode_TakesWhatTheServerNeedNotSay_ForItsDefault()
    {
        headers.Remove("Choria-Sender");
        headers.Remove("Nats-Msg-Id");

        var submitted = Decode("choria.submission.in.app");

        Assert.Equal(("", "", false, 1), (submitted.Sender, submitted.MessageId, submitted.IsReliable, submitted.Try));
    }

    // CHORIA_EXECUTOR stores what comes on choria.submission.in.choria.executor.> under the subject that was submitted to.
    [Theory]
    [InlineData("choria.submission.in.choria.executor.r.j.pid")]
    [InlineData("choria.executor.r.j.pid")]
    public void TryDecode_TellsTheSameSubject_AlsoWhenJetStreamTransformedIt(string subject) =>
        Assert.Equal("choria.executor.r.j.pid", Decode(subject).Subject);

    [Theory]
    [InlineData("Choria-Identity", null, "is missing")]
    [InlineData("Choria-Identity", "", "is missing")]
    [InlineData("Choria-Priority", null, "is missing")]
    [InlineData("Choria-Priority", "5", "is not a whole number from 0 to 4")]
    [InlineData("Choria-Priority", "-1", "is not a whole number from 0 to 4")]
    [InlineData("Choria-Created", null, "is missing")]
    [InlineData("Choria-Created", "9223372036854775808", "is not a whole number from 0 to 9223372036854775807")]
    [InlineData("Choria-Created", "yesterday", "is not a whole number from 0 to 9223372036854775807")]
    [InlineData("Choria-Tries", "0", "is not a whole number from 1 to 2147483647")]
    [InlineData("Choria-Signature", "00", "and Choria-Token do not come together")]
    public void TryDecode_NamesTheHeaderThatIsWrong(string header, string? value, string problem)
    {
        headers.Remove(header);
        if (value is not null)
        {
            headers[header] = value;
        }

        Assert.False(SubmittedMessage.TryDecode("c.submission.in.a", headers.GetValueOrDefault, Payload, out _, out var fault));
        Assert.Equal(new ChoriaFault(ChoriaLayer.Submission, header, problem), fault);
    }

    [Fact]
    public void TryVerifySubmission_BelievesTheNode_WhoseTokenSignedThePayload()
    {
        Sign(Node);

        Assert.True(Verify(Decode("c.submission.in.a"), Now, out var fault), fault?.Detail);
    }

    [Fact]
    public void TryVerifySubmission_RefusesEverythingElse()
    {
        Assert.False(Verify(Decode("c.submission.in.a"), Now, out var fault));
        Assert.Equal(RequestRefusal.SignatureMissing, fault?.Reason);

        Sign("web2.example.net");
        Assert.False(Verify(Decode("c.submission.in.a"), Now, out fault));
        Assert.Equal(RequestRefusal.CallerMismatch, fault?.Reason);

        Sign(Node);
        Assert.False(Verify(Decode("c.submission.in.a") with { Payload = Encoding.UTF8.GetBytes("all of it") }, Now, out fault));
        Assert.Equal(RequestRefusal.SignatureWrong, fault?.Reason);
        Assert.False(Verify(Decode("c.submission.in.a") with { Signature = "short" }, Now, out fault));
        Assert.Equal(RequestRefusal.SignatureWrong, fault?.Reason);
        Assert.False(Verify(Decode("c.submission.in.a"), Now.AddYears(2), out fault));
        Assert.Equal(RequestRefusal.CredentialRefused, fault?.Reason);
        Assert.False(Verify(Decode("c.submission.in.a") with { Token = "no.token.atall" }, Now, out fault));
        Assert.Equal(RequestRefusal.CredentialRefused, fault?.Reason);
    }

    private bool Verify(SubmittedMessage submitted, DateTimeOffset now, out RequestFault? fault) =>
        RequestVerification.TryVerifySubmission(submitted, Trust, now, out _, out fault);

    private void Sign(string identity)
    {
        var claims = new ServerClaims
        {
            Identity = identity, Collectives = ["choria"], PublicKey = node.PublicKeyHex, OrganizationUnit = "choria",
        };
        headers["Choria-Token"] = TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromDays(365), Now);
        headers["Choria-Signature"] = Convert.ToHexStringLower(node.Sign(Payload));
    }

    private SubmittedMessage Decode(string subject)
    {
        Assert.True(SubmittedMessage.TryDecode(subject, headers.GetValueOrDefault, Payload, out var submitted, out var fault), $"{fault}");
        return submitted;
    }
}
