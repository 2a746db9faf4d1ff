using ControlPlane.Flow;

namespace ControlPlane.Nodes;

/// <summary>Decides when an enrolled node enrols anew because what it holds will end. Pure.</summary>
/// <remarks>
/// Renewing is enrolling: the node is asked to start in provisioning mode, makes a new key, and what it held is revoked when it has
/// arrived. Nodes that enrolled in one hour must not come back in one hour: each has a place of its own in the last part of the time
/// before.
/// </remarks>
internal static class Renewal
{
    // Of the time from arrival to end: 20,000 certificates of 30 days that were made in one hour are renewed over five days.
    private const double SpreadShare = 1.0 / 6;
    private const int Places = 1 << 20;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromHours(1);
    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromHours(8);

    /// <summary>When the node is to be asked to renew; null when nothing that it holds ends, or nothing is to be renewed.</summary>
    public static DateTimeOffset? DueAt(NodeState state, ProvisioningOptions options)
    {
        if (state.Held is not { } held || options.RenewAfterShare >= 1 || EndOf(held) is not { } end || end <= held.ArrivedAt)
        {
            return null;
        }

        var life = end - held.ArrivedAt;

        // What it holds is no one else's, and spreads by itself.
        var place = StableHash.Bucket(held.Certificate?.SerialNumber ?? held.Ed25519PublicKey ?? "", Places) / (double)Places;
        var due = held.ArrivedAt + (life * (options.RenewAfterShare - (Math.Min(SpreadShare, options.RenewAfterShare) * place)));
        return state.RenewalAsked is { } asked ? Later(due, asked.At + Pause(asked.Times, life)) : due;
    }

    // A node that is silent or unwilling is asked again and again, less often each time, until it has ended and after.
    private static TimeSpan Pause(int times, TimeSpan life)
    {
        var capped = Backoff.Doubled(RetryDelay, times - 1, RetryDelayMax);

        // What lives for an hour only cannot wait for one.
        return capped < life / 20 ? capped : life / 20;
    }

    private static DateTimeOffset? EndOf(HeldCredentials held) => (held.Certificate?.NotAfter, held.ServerTokenExpiresAt) switch
    {
        ({ } certificate, { } token) => certificate < token ? certificate : token,
        (var certificate, var token) => certificate ?? token,
    };

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}

/// <param name="At">When the node was last asked to renew what it holds.</param>
/// <param name="Times">How often it was asked.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.RenewalAsked")]
internal sealed record RenewalAsked([property: Id(0)] DateTimeOffset At, [property: Id(1)] int Times);
