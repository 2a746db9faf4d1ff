using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

/// <summary>A wrong secret or signer of ours takes no node out that we know.</summary>
public sealed class NodeAttestationTests : INodeAttestor
{
    private static readonly NodeState Known = new() { Held = new HeldCredentials(null, null, "ab", null, DateTimeOffset.UnixEpoch) };

    private readonly NodeAttestation attestation;
    private Attestation next = new Attestation.Refused(Refusal.SecretMismatch, "another secret");

    public NodeAttestationTests() => attestation = new NodeAttestation(this, demanded: null!, expected: null!);

    Attestation INodeAttestor.Attest(string token, DateTimeOffset now) => next;

    [Theory]
    [InlineData(Refusal.SecretMismatch)]
    [InlineData(Refusal.TokenUntrusted)]
    [InlineData(Refusal.TokenWronglyChained)]
    public void OurFault_IsTold_WhileNobodysTokenWasAccepted(Refusal refusal)
    {
        attestation.Attest("", DateTimeOffset.UnixEpoch);

        Assert.StartsWith(
            "another; no provisioning token was accepted",
            attestation.OurFault(Known, refusal, "another"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void OurFault_IsNone_OnceATokenWasAccepted()
    {
        next = new Attestation.Trusted("{}", "choria");
        attestation.Attest("", DateTimeOffset.UnixEpoch);

        Assert.Null(attestation.OurFault(Known, Refusal.SecretMismatch, "another"));
    }

    [Fact]
    public void OurFault_IsNone_ForMachinesThatWeNeverKnew() =>
        Assert.Null(attestation.OurFault(new NodeState(), Refusal.SecretMismatch, "another"));

    [Theory]
    [InlineData(Refusal.TokenMalformed)]
    [InlineData(Refusal.TokenExpired)]
    [InlineData(Refusal.TokenOfAnotherPurpose)]
    public void OurFault_IsNone_WhereNoSettingOfOursIsJudgedBy(Refusal refusal) =>
        Assert.Null(attestation.OurFault(Known, refusal, "another"));
}
