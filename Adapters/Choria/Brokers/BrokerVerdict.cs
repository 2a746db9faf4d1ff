namespace ControlPlane.Adapters.Choria;

/// <summary>Who logs in.</summary>
public enum BrokerParty
{
    /// <summary>Who provisions nodes.</summary>
    Provisioner = 1,

    /// <summary>The operator of the broker itself.</summary>
    SystemUser = 2,

    /// <summary>The holder of a client token.</summary>
    Client = 3,

    /// <summary>The holder of a server token: a provisioned node.</summary>
    Node = 4,

    /// <summary>The holder of a provisioning token. Any number of machines hold the same, so it proves no identity.</summary>
    UnprovisionedNode = 5,

    /// <summary>Whoever has a certificate of the network's CA and no token: a node or client of V1.</summary>
    CertificateHolder = 6,
}

/// <summary>The accounts of a Choria broker.</summary>
public static class BrokerAccounts
{
    public const string Choria = "choria";
    public const string Provisioning = "provisioning";
    public const string System = "system";
}

/// <summary>What a broker answers to a log-in.</summary>
public abstract record BrokerVerdict
{
    private BrokerVerdict()
    {
    }

    /// <param name="Reason">As the broker logs it. Who connects learns only that it is refused.</param>
    /// <param name="Cause">What was wrong with the token or its proof, where the reason says only that something was.</param>
    public sealed record Refused(string Reason, string? Cause = null) : BrokerVerdict;

    /// <param name="Party">Who it is.</param>
    /// <param name="Account">One of <see cref="BrokerAccounts"/>.</param>
    /// <param name="User">The name that the connection gets: caller id, identity, or the user that CONNECT names; it may be empty.</param>
    /// <param name="Rights">What it may publish and subscribe to.</param>
    public sealed record Admitted(BrokerParty Party, string Account, string User, SubjectRights Rights) : BrokerVerdict;
}
