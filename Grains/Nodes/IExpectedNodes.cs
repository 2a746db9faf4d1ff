namespace ControlPlane.Nodes;

/// <summary>The nodes that a site expects, each with what it must show. Thread-safe; nothing here waits.</summary>
public interface IExpectedNodes
{
    /// <summary>What a node must show; null when it is not expected.</summary>
    ExpectedNode? FindOrNull(string identity);

    /// <summary>Whether whom the site trusts for that has signed a document of the node's cloud.</summary>
    /// <exception cref="IOException">The file that says whom the site trusts cannot be read.</exception>
    bool IsSigned(string document, string signature);
}

/// <summary>One entry of the list; nothing demanded but the name when it is empty.</summary>
public sealed record ExpectedNode
{
    /// <summary>Facts by their path, dots between names, and the text that each must be.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();

    /// <summary>A hardware address that must be among its facts, under whatever name.</summary>
    public string? Mac { get; init; }

    /// <summary>The SHA-256, in hexadecimal, of <c>extensions.secret</c> of its provisioning token; good for one enrolment.</summary>
    public string? SecretSha256 { get; init; }

    /// <summary>Fields that the signed document of its cloud must have.</summary>
    public IReadOnlyDictionary<string, string> Document { get; init; } = new Dictionary<string, string>();
}
