namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>Whose a connection of a node is. The server is told it as the user's name, and tells it to every silo.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Key">
/// The key that it proved: of its server token, or the fingerprint of its certificate's. Null: it is unprovisioned and proved none.
/// </param>
internal sealed record SessionOwner(string Identity, string? Key)
{
    private const string Unprovisioned = "unprovisioned";
    private const string Node = "node";

    public bool IsUnprovisioned => Key is null;

    public string UserName => Key is null ? $"{Unprovisioned}:{Identity}" : $"{Node}:{Identity}:{Key}";

    /// <summary>Null for users that are no nodes.</summary>
    public static SessionOwner? ReadOrNull(string? userName) => userName?.Split(':') switch
    {
        [Unprovisioned, var identity] => new SessionOwner(identity, Key: null),
        [Node, var identity, var key] => new SessionOwner(identity, key),
        _ => null,
    };
}

/// <summary>A node's connection.</summary>
/// <param name="Network">The network whose brokers it is at.</param>
/// <param name="Server">The id of its broker.</param>
/// <param name="Id">Its number there.</param>
/// <param name="Host">The address that it comes from.</param>
/// <param name="Owner">Whose it is.</param>
internal sealed record NodeSession(string Network, string Server, ulong Id, string Host, SessionOwner Owner);
