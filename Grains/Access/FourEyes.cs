namespace ControlPlane.Access;

/// <summary>
/// That two people see what is approved: who approves it is not who submitted it. A policy demands it by <c>fourEyes</c>; a job that waits
/// for approval demands it by itself, also where there is no policy or one that is only tried out.
/// </summary>
public static class FourEyes
{
    /// <summary>Whether an approval is somebody else's. Where nobody knows who submitted it, nobody can tell.</summary>
    public static bool AreMet(string? submitter, string approver) => submitter is not null && submitter != approver;
}
