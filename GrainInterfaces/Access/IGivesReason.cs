namespace ControlPlane.Access;

/// <summary>What a caller sends that says why: policies may demand it, and the record of the call keeps it.</summary>
public interface IGivesReason
{
    /// <summary>Why, in the caller's words; empty when they gave none.</summary>
    string Reason { get; }
}

/// <summary>What a caller sends that names the action that nodes are to do: policies may judge by it.</summary>
public interface INamesAction
{
    /// <summary>The agent.</summary>
    string Agent { get; }

    /// <summary>Its action.</summary>
    string Action { get; }

    /// <summary>Other actions that nodes may be asked for along with it.</summary>
    IReadOnlyList<(string Agent, string Action)> AlsoActions { get; }

    /// <summary>The one overlay whose nodes are meant; null when there may be others.</summary>
    string? Overlay { get; }

    /// <summary>How many nodes are meant at most; null when it does not say.</summary>
    int? TargetsMax { get; }
}
