using ControlPlane.Access;

namespace ControlPlane.Api;

/// <summary>The body of what is done for a reason and needs nothing else.</summary>
/// <param name="Reason">Why, for the record. 1 to 200 characters: <see cref="GivenReason"/>.</param>
internal sealed record ReasonBody(string Reason) : IGivesReason;
