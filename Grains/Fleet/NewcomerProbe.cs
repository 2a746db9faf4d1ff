using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>Asks names that nobody knows for their provisioning token, before a grain is made and anything stored for them.</summary>
internal sealed class NewcomerProbe(INodeAgent agent, NodeAttestation attestation, EnrolmentGate gate, EnrolmentContext context)
{
    /// <summary>Names of one slice that are asked at once: those of all slices are as many as one silo's probes.</summary>
    public const int AskedMax = 16;

    /// <summary>Names of one slice that wait to be asked, about 100 bytes each.</summary>
    public const int WaitingMax = 1024;

    /// <summary>How many of one slice are listed though they have shown no token of ours.</summary>
    public int ListedMax => Math.Max(1, context.Options.NewcomersMax / FleetSlices.Count);

    /// <summary>Whether somebody shows a token of ours in that name. False, too, while nobody may be asked.</summary>
    public async Task<bool> ShowsTokenAsync(string identity, DateTimeOffset since, CancellationToken cancellationToken)
    {
        using var place = await gate.EnterProbeAsync(since, cancellationToken);
        if (gate.Controls.ObstacleEverywhere(hasFallen: false) is not null)
        {
            return false;
        }

        try
        {
            var reply = await agent.FetchTokenAsync(identity, NodeProtocol.Unknown, cancellationToken);
            return attestation.Attest(reply.Token, context.Now) is Attestation.Trusted;
        }
        catch (Exception unshown) when (unshown is NodeSilentException or NodeRefusedException)
        {
            return false;
        }
    }

    /// <summary>A name was forgotten: it had shown nothing, and as many as may be listed are.</summary>
    public void Forgot() => context.Meter.ForgotNewcomer();
}
