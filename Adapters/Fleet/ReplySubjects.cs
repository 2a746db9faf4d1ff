using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// Where answers to our requests come: a caller's replies, then a part of the silo's own, then whose answer it is, then the request. A
/// broker that knows who a connection is can let it answer for itself alone.
/// </summary>
internal static class ReplySubjects
{
    /// <summary>In the place of a node: what all are asked, each may answer.</summary>
    public const string Everybody = "all";

    /// <param name="prefix">The caller's, with the silo's own part.</param>
    /// <param name="addressee">The node that is asked, or <see cref="Everybody"/>.</param>
    /// <param name="requestId">The request.</param>
    public static string Of(string prefix, string addressee, string requestId) => $"{prefix}.{PartOf(addressee)}.{requestId}";

    /// <summary>All of one node's, whoever asked.</summary>
    public static string AllOf(string collective, string addressee) => $"{collective}.reply.*.*.{PartOf(addressee)}.*";

    // An identity has dots, and so many parts of a subject.
    private static string PartOf(string addressee) =>
        addressee == Everybody ? Everybody : ChoriaSubjects.CallerHash(addressee);
}
