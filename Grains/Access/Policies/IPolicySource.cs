namespace ControlPlane.Access.Policies;

/// <summary>The access policy of this site, as it was read last without a fault. Thread-safe.</summary>
public interface IPolicySource
{
    /// <summary>The site's name, for rules that hold at some sites.</summary>
    string Site { get; }

    /// <summary>The region that the site belongs to, for rules that hold at all sites of some regions.</summary>
    string Region { get; }

    /// <summary>Whether the site has a policy at all.</summary>
    bool IsConfigured { get; }

    /// <summary>What is in force now; null when there is none, or none that could be read.</summary>
    AccessPolicy? Current { get; }

    /// <summary>What is wrong with the policy as it is written now; while anything is, the one before stays in force.</summary>
    IReadOnlyList<string> Faults { get; }
}
