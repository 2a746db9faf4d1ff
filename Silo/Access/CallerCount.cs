namespace ControlPlane.Access;

/// <summary>Counts requests by how their caller was known, those that were refused too.</summary>
internal sealed class CallerCount(RequestDelegate next, AccessMeter meter)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (Callers.OfOrNull(context) is { } caller)
        {
            meter.Count(caller.Method, admitted: true);
        }
        else if (PresentedCredential.Of(context).Method is { } method)
        {
            meter.Count(method, admitted: false);
        }

        return next(context);
    }
}
